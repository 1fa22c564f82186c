package org.coolsd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.WaitForSelectorState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.coolsd.images.Decoding;
import org.coolsd.images.ScheduleName;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The page at / in headless Chromium: {@code mvn test -Pbrowser -pl java/server -am -Dtest=PageTest
 * -Dsurefire.failIfNoSpecifiedTests=false}. Skipped where there is no Chromium, which Debian has as the package chromium. With
 * {@code -Dcoolsd.screenshot=FILE} it leaves a picture of the page.
 */
class PageTest {
    private static Playwright playwright;
    private static Browser browser;

    @BeforeAll
    static void start() {
        Optional<Path> chromium = Stream.of("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst();
        assumeTrue(chromium.isPresent(), "no Chromium on this machine; on Debian: apt-get install chromium");
        // Its own browsers are a download; the one that is there is used.
        playwright = Playwright.create(
                new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        browser = playwright
                .chromium()
                .launch(new BrowserType.LaunchOptions()
                        .setExecutablePath(chromium.get())
                        .setArgs(List.of("--no-sandbox")));
    }

    @AfterAll
    static void stop() {
        if (playwright != null) {
            playwright.close();
        }
    }

    private static Page open(TestServer server, List<String> complaints) {
        Page page = browser.newPage(
                new Browser.NewPageOptions().setViewportSize(1000, 1010).setColorScheme(ColorScheme.LIGHT));
        page.onConsoleMessage(message -> {
            if (message.type().equals("error")) {
                complaints.add(message.text());
            }
        });
        page.onPageError(complaints::add);
        page.setDefaultTimeout(60_000);
        page.navigate(server.at("/").toString());
        return page;
    }

    private static void make(Page page) {
        page.click("#make");
        page.waitForSelector("#drafted[data-state=done]");
        page.waitForSelector("#plain[data-state=done]");
    }

    private static byte[] picture(Page page, String panel) {
        String source = page.getAttribute("#" + panel + " img", "src");
        return Base64.getDecoder().decode(source.substring(source.indexOf(',') + 1));
    }

    /** How many pixels of a canvas have any colour. */
    private static int inked(Page page, String canvas) {
        return ((Number)
                        page.evalOnSelector(
                                canvas,
                                "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 == 3 && v > 0).length"))
                .intValue();
    }

    @Test
    void twoImagesOfOneSeedAppearTokenByToken() throws Exception {
        List<String> complaints = new ArrayList<>();
        try (TestServer server = new TestServer(ServerOptions.standard())) {
            Page page = open(server, complaints);
            page.waitForSelector(
                    "#class option:nth-child(10)",
                    new Page.WaitForSelectorOptions().setState(WaitForSelectorState.ATTACHED));
            page.selectOption("#class", "Ankle boot");
            page.fill("#seed", "3");
            page.click("#make");
            // Tokens are there before the image is.
            page.waitForSelector("#plain[data-state=running] .tokens:text-matches('^[1-9][0-9]$')");
            page.waitForSelector("#drafted[data-state=done]");
            page.waitForSelector("#plain[data-state=done]");
            assertThat(picture(page, "drafted")).isEqualTo(server.alone(9, 3, Decoding.standard(), 2));
            assertThat(picture(page, "plain"))
                    .isEqualTo(server.alone(9, 3, Decoding.standard().schedule(ScheduleName.TARGET), 2));
            assertThat(page.textContent("#drafted .tokens")).isEqualTo("196");
            assertThat(page.textContent("#plain .steps")).isEqualTo("196");
            assertThat(Integer.parseInt(page.textContent("#drafted .steps"))).isLessThan(100);
            assertThat(page.textContent("#plain .drift")).isEqualTo("0.00");
            assertThat(Double.parseDouble(page.textContent("#drafted .drift"))).isPositive();
            assertThat(inked(page, "#drafted .cells")).isEqualTo(14 * 14 * 16 * 16);
            assertThat(inked(page, "#drafted .lengths")).isPositive();
            assertThat(inked(page, "#drafted .drifts")).isPositive();
            String file = System.getProperty("coolsd.screenshot");
            if (file != null) {
                page.screenshot(
                        new Page.ScreenshotOptions().setPath(Path.of(file)).setFullPage(true));
            }
            page.uncheck("#colours");
            assertThat(inked(page, "#drafted .cells")).isZero();
        }
        assertThat(complaints).isEmpty();
    }

    @Test
    void aRefusalIsShown() throws Exception {
        try (TestServer server = new TestServer(ServerOptions.standard())) {
            Page page = open(server, new ArrayList<>());
            page.waitForSelector(
                    "#class option:nth-child(10)",
                    new Page.WaitForSelectorOptions().setState(WaitForSelectorState.ATTACHED));
            page.evaluate("document.getElementById('form').noValidate = true");
            page.fill("#guidance", "1000");
            page.click("#make");
            page.waitForSelector("#drafted[data-state=failed]");
            assertThat(page.textContent("#message")).isEqualTo("guidance is 1000, it must be 0.0..100.0");
        }
    }

    @Test
    void aServerWithAKeyAsksForIt() throws Exception {
        try (TestServer server = new TestServer(ServerOptions.standard().key(Optional.of("sesame")))) {
            Page page = open(server, new ArrayList<>());
            page.waitForSelector("#message:has-text('This server wants an API key.')");
            page.fill("#key", "sesame");
            page.dispatchEvent("#key", "change");
            page.waitForSelector(
                    "#class option:nth-child(10)",
                    new Page.WaitForSelectorOptions().setState(WaitForSelectorState.ATTACHED));
            make(page);
        }
    }
}
