package org.coolsd.models.t5;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The cleaning of captions that LlamaGen's text encoder was given in training and is given in sampling ({@code clean_caption}
 * of its language/t5.py, after DeepFloyd's): what web pages leave in captions goes, such as addresses, tags, numbers of
 * articles and words of shops. It is part of the model: an uncleaned caption is another one. The steps and their order are the
 * official ones, oddities included.
 */
final class CaptionCleaner {
    /** A step: wherever the pattern matches there will be the replacement. */
    private record Step(Pattern pattern, String replacement) {
        String of(String text) {
            return pattern.matcher(text).replaceAll(replacement);
        }
    }

    private static final String NAME_END = "[.](?:com|co|ru|net|org|edu|gov|it)[\\w/-]*\\b/?(?!@)";

    private static final Step PERSON = step("<person>", "person");

    private static final List<Step> ADDRESSES = List.of(
            step("\\b(?:https?:(?:/{1,3}|[a-zA-Z0-9%])|[a-zA-Z0-9.-]+" + NAME_END + ")", ""),
            step("\\b(?:www:(?:/{1,3}|[a-zA-Z0-9%])|[a-zA-Z0-9.-]+" + NAME_END + ")", ""));

    private static final List<Step> SIGNS = List.of(
            step("@\\w+\\b", ""),
            // Strokes and ideographs of Chinese and Japanese, enclosed letters, hexagrams.
            step("[\\u31c0-\\u31ef\\u31f0-\\u31ff\\u3200-\\u4dbf\\u4dc0-\\u9fff]+", ""),
            step(
                    "[-\\u058a\\u05be\\u1400\\u1806\\u2010-\\u2015\\u2e17\\u2e1a\\u2e3a\\u2e3b\\u2e40\\u301c\\u3030\\u30a0"
                            + "\\ufe31\\ufe32\\ufe58\\ufe63\\uff0d]+",
                    "-"),
            step("[`\\u00b4\\u00ab\\u00bb\\u201c\\u201d\\u00a8]", "\""),
            step("[\\u2018\\u2019]", "'"),
            step("&quot;?", ""),
            step("&amp", ""),
            // Addresses of machines, times at the end, line breaks that were written out.
            step("\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}", " "),
            step("\\d:\\d\\d\\s+$", ""),
            step("\\\\n", " "),
            // Numbers of articles, and files.
            step("#\\d{1,3}\\b", ""),
            step("#\\d{5,}\\b", ""),
            step("\\b\\d{6,}\\b", ""),
            step("\\S+\\.(?:png|jpg|jpeg|bmp|webp|eps|pdf|apk|mp4)", ""),
            step("[\"']{2,}", "\""),
            step("[.]{2,}", " "),
            step(
                    "[#\\u00ae\\u2022\\u00a9\\u2122&@\\u00b7\\u00ba\\u00bd\\u00be\\u00bf\\u00a1\\u00a7~)(\\]\\[}{|\\\\/*]+",
                    " "),
            step("\\s+\\.\\s+", " "));

    private static final Pattern JOINT = Pattern.compile("[-_]");

    private static final List<Step> WORDS = List.of(
            // Names of articles: jc6640, jc6640vc, 6640vc231.
            step("\\b[a-zA-Z]{1,3}\\d{3,15}\\b", ""),
            step("\\b[a-zA-Z]+\\d+[a-zA-Z]+\\b", ""),
            step("\\b\\d+[a-zA-Z]+\\d+\\b", ""),
            step("(?:worldwide\\s+)?(?:free\\s+)?shipping", ""),
            step("(?:free\\s)?download(?:\\sfree)?", ""),
            step("\\bclick\\b\\s(?:for|on)\\s\\w+", ""),
            step("\\b(?:png|jpg|jpeg|bmp|webp|eps|pdf|apk|mp4)(?:\\simages?)?", ""),
            step("\\bpage\\s+\\d+\\b", ""),
            step("\\b\\d*[a-zA-Z]+\\d+[a-zA-Z]+\\d+[a-zA-Z\\d]*\\b", " "),
            // Sizes, with the letter x, its Cyrillic sister or the sign of multiplication.
            step("\\b\\d+\\.?\\d*[x\\u0445\\u00d7]\\d+\\.?\\d*\\b", ""),
            step("\\b\\s+:\\s+", ": "),
            step("(\\D[,./])\\b", "$1 "),
            step("\\s+", " "),
            // What the caption begins and ends with.
            step("(?s)^[\"'](.+)[\"']$", "$1"),
            step("^['_,:;-]", ""),
            step("['_,:+-]$", ""),
            step("^\\.\\S+$", ""));

    private static final Step ENDS = step("^\\s+|\\s+$", "");

    private CaptionCleaner() {}

    /** {@code caption} after one cleaning; the official code cleans twice. */
    static String clean(String caption) {
        String text = ENDS.of(unquoted(caption)).toLowerCase(Locale.ROOT);
        text = all(ADDRESSES, PERSON.of(text));
        text = all(SIGNS, HtmlText.of(text));
        if (JOINT.matcher(text).results().count() > 3) {
            text = JOINT.matcher(text).replaceAll(" ");
        }
        text = ENDS.of(PlainText.of(text));
        return ENDS.of(all(WORDS, text));
    }

    private static String all(List<Step> steps, String text) {
        String result = text;
        for (Step step : steps) {
            result = step.of(result);
        }
        return result;
    }

    /**
     * A step whose pattern means what it does in Python: words, digits and blanks are Unicode's, in Python's reading, and $ is
     * the end or before a last line feed.
     */
    private static Step step(String pattern, String replacement) {
        String word = "[\\p{L}\\p{N}_]";
        String blanks = "\\t-\\r\\x1c-\\x1f\\x85\\p{Z}";
        String java = pattern.replace("\\w", word)
                .replace("\\D", "\\P{Nd}")
                .replace("\\d", "\\p{Nd}")
                .replace("\\s", "[" + blanks + "]")
                .replace("\\S", "[^" + blanks + "]")
                .replace("\\b", "(?:(?<=" + word + ")(?!" + word + ")|(?<!" + word + ")(?=" + word + "))")
                .replace("$", "(?=\\n?\\z)");
        return new Step(Pattern.compile(java), replacement);
    }

    /** A caption as it was before it was part of an address: blanks for plus signs, characters for their codes in UTF-8. */
    private static String unquoted(String caption) {
        if (caption.indexOf('%') < 0 && caption.indexOf('+') < 0) {
            return caption;
        }
        StringBuilder text = new StringBuilder();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < caption.length(); i++) {
            char c = caption.charAt(i);
            int high = c == '%' && i + 2 < caption.length() ? hex(caption.charAt(i + 1)) : -1;
            int low = high < 0 ? -1 : hex(caption.charAt(i + 2));
            if (low >= 0) {
                bytes.write(16 * high + low);
                i += 2;
            } else {
                text.append(bytes.toString(StandardCharsets.UTF_8));
                bytes.reset();
                text.append(c == '+' ? ' ' : c);
            }
        }
        return text.append(bytes.toString(StandardCharsets.UTF_8)).toString();
    }

    private static int hex(char c) {
        return c < 128 ? Character.digit(c, 16) : -1;
    }
}
