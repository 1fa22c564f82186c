package org.coolsd.server;

import io.javalin.config.RoutesConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The page at / and what it is made of: plain HTML and modules. */
final class WebPage {
    private static final Map<String, String> TYPES = Map.of(
            "index.html", "text/html; charset=utf-8",
            "style.css", "text/css; charset=utf-8",
            "app.js", "text/javascript; charset=utf-8",
            "run.js", "text/javascript; charset=utf-8");

    /** Nothing from elsewhere, and no page around this one. */
    private static final String POLICY =
            "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private WebPage() {}

    /** Where its files are. */
    static Set<String> addresses() {
        return TYPES.keySet().stream().map(WebPage::address).collect(Collectors.toUnmodifiableSet());
    }

    private static String address(String name) {
        return name.equals("index.html") ? "/" : "/" + name;
    }

    static void serve(RoutesConfig routes) {
        TYPES.forEach((name, type) -> {
            byte[] bytes = bytes(name);
            routes.get(address(name), ctx -> {
                ctx.header("Content-Security-Policy", POLICY).header("X-Content-Type-Options", "nosniff");
                ctx.contentType(type).result(bytes);
            });
        });
    }

    private static byte[] bytes(String name) {
        try (InputStream in = WebPage.class.getResourceAsStream("web/" + name)) {
            if (in == null) {
                throw new IllegalStateException("the page's file " + name + " is missing from the jar");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
