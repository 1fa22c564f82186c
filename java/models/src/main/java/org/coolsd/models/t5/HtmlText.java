package org.coolsd.models.t5;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The text in a piece of HTML, as Beautiful Soup gives it over Python's parser: without tags, comments and what is no text,
 * and with characters for their references. Whatever is not finished is text.
 */
final class HtmlText {
    /** Elements whose content is no text. */
    private static final Set<String> SKIPPED = Set.of("script", "style", "template", "rt", "rp");

    /** Names of characters in the HTML standard, those in lower case: what captions are in when they are read. */
    private static final Map<String, String> CHARACTERS = read("entities.txt");

    private final String html;
    private final StringBuilder text = new StringBuilder();
    private int at;

    private HtmlText(String html) {
        this.html = html;
    }

    /** The text of {@code html}, which is in lower case. */
    static String of(String html) {
        HtmlText reader = new HtmlText(html);
        while (reader.at < html.length()) {
            char c = html.charAt(reader.at);
            if (c != '<' && c != '&' || !(c == '<' ? reader.markup() : reader.reference())) {
                reader.text.append(c);
                reader.at++;
            }
        }
        return reader.text.toString();
    }

    /** Goes over a tag, a comment or a declaration; returns false if there is none here. */
    private boolean markup() {
        int end = -1;
        if (html.startsWith("<!--", at)) {
            end = after("-->", at + 4);
        } else if (html.startsWith("</", at) || html.startsWith("<!", at) || html.startsWith("<?", at)) {
            end = after(">", at + 2);
        } else if (at + 1 < html.length() && isLetter(html.charAt(at + 1))) {
            end = tag(at + 1);
        }
        if (end < 0) {
            return false;
        }
        at = end;
        return true;
    }

    /** Where the element whose tag's name is at {@code name} lets text go on; -1 if the tag has no end. */
    private int tag(int name) {
        int i = name;
        while (i < html.length() && " \t\n\r\f/>".indexOf(html.charAt(i)) < 0) {
            i++;
        }
        String element = html.substring(name, i);
        boolean value = false;
        while (i < html.length() && html.charAt(i) != '>') {
            char c = html.charAt(i);
            int quote = value && (c == '"' || c == '\'') ? html.indexOf(c, i + 1) : -1;
            value = c == '=' || value && Character.isWhitespace(c);
            i = quote < 0 ? i + 1 : quote + 1;
        }
        if (i >= html.length()) {
            return -1;
        }
        if (!SKIPPED.contains(element) || html.charAt(i - 1) == '/') {
            return i + 1;
        }
        int close = html.indexOf("</" + element, i);
        int end = close < 0 ? -1 : after(">", close);
        return end < 0 ? html.length() : end;
    }

    private int after(String end, int from) {
        int found = html.indexOf(end, from);
        return found < 0 ? -1 : found + end.length();
    }

    /** Reads a reference to a character; returns false if there is none here. */
    private boolean reference() {
        if (at + 1 < html.length() && html.charAt(at + 1) == '#') {
            return number();
        }
        if (html.length() - at == 2 && isLetter(html.charAt(at + 1))) {
            // Python's parser takes it for the beginning of a reference and forgets the sign.
            at++;
            return true;
        }
        return name();
    }

    private boolean name() {
        int end = at + 1;
        while (end < html.length()
                && (isLetter(html.charAt(end)) || end > at + 1 && "-.0123456789".indexOf(html.charAt(end)) >= 0)) {
            end++;
        }
        // A name at the very end is text, since it could go on.
        String character = end == html.length() ? null : CHARACTERS.get(html.substring(at + 1, end));
        if (end == at + 1 || end == html.length()) {
            return false;
        }
        text.append(character != null ? character : html.substring(at, end));
        at = html.charAt(end) == ';' ? end + 1 : end;
        return true;
    }

    private boolean number() {
        int radix = html.startsWith("x", at + 2) ? 16 : 10;
        int begin = radix == 16 ? at + 3 : at + 2;
        int end = begin;
        while (end < html.length() && Character.digit(html.charAt(end), radix) >= 0 && html.charAt(end) < 128) {
            end++;
        }
        if (end == begin || end == html.length() || isHexLetter(html.charAt(end))) {
            if (html.indexOf(';', at) < 0) {
                // Python's parser stops looking here: all the rest is text.
                text.append(html, at, html.length());
                at = html.length();
                return true;
            }
            return false;
        }
        text.append(character(html.substring(begin, end), radix));
        at = html.charAt(end) == ';' ? end + 1 : end;
        return true;
    }

    /** The character of a number; those of 128 to 159 are meant as Windows has them. */
    private static String character(String digits, int radix) {
        int code;
        try {
            code = Integer.parseInt(digits, radix);
        } catch (NumberFormatException e) {
            return "\ufffd";
        }
        if (code >= 128 && code < 160) {
            return new String(new byte[] {(byte) code}, Charset.forName("windows-1252"));
        }
        boolean surrogate = code >= Character.MIN_SURROGATE && code <= Character.MAX_SURROGATE;
        return code == 0 || surrogate || !Character.isValidCodePoint(code) ? "\ufffd" : Character.toString(code);
    }

    private static boolean isHexLetter(char c) {
        return isLetter(c) && Character.digit(c, 16) >= 0;
    }

    private static boolean isLetter(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
    }

    private static Map<String, String> read(String resource) {
        try (InputStream stream = HtmlText.class.getResourceAsStream(resource);
                BufferedReader lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.US_ASCII))) {
            return lines.lines()
                    .map(line -> line.split(" "))
                    .collect(Collectors.toUnmodifiableMap(
                            words -> words[0], words -> Arrays.stream(words, 1, words.length)
                                    .map(code -> Character.toString(Integer.parseInt(code, 16)))
                                    .collect(Collectors.joining())));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
