package org.coolsd.models.t5;

import java.nio.charset.Charset;
import java.text.Normalizer;
import java.util.Map;

/**
 * Text of one form: what ftfy's {@code fix_text} makes of text that was decoded right. Ligatures are taken apart, letters of
 * full and half width get their own, quotes become straight and line ends one, control characters and lone surrogates go, and
 * the rest is composed (NFC). Text that was decoded wrongly, whose encoding ftfy would guess, stays as it is.
 */
final class PlainText {
    private static final Map<Integer, String> LIGATURES = Map.ofEntries(
            Map.entry(0x132, "IJ"),
            Map.entry(0x133, "ij"),
            Map.entry(0x149, "'n"),
            Map.entry(0x1c4, "D\u017d"),
            Map.entry(0x1c5, "D\u017e"),
            Map.entry(0x1c6, "d\u017e"),
            Map.entry(0x1c7, "LJ"),
            Map.entry(0x1c8, "Lj"),
            Map.entry(0x1c9, "lj"),
            Map.entry(0x1ca, "NJ"),
            Map.entry(0x1cb, "Nj"),
            Map.entry(0x1cc, "nj"),
            Map.entry(0x1f1, "DZ"),
            Map.entry(0x1f2, "Dz"),
            Map.entry(0x1f3, "dz"),
            Map.entry(0xfb00, "ff"),
            Map.entry(0xfb01, "fi"),
            Map.entry(0xfb02, "fl"),
            Map.entry(0xfb03, "ffi"),
            Map.entry(0xfb04, "ffl"),
            Map.entry(0xfb05, "\u017ft"),
            Map.entry(0xfb06, "st"));

    private PlainText() {}

    /** {@code text} in that form. */
    static String of(String text) {
        String before;
        String after = text;
        do {
            before = after;
            StringBuilder plain = new StringBuilder();
            before.replace("\r\n", "\n").codePoints().forEach(c -> plain.append(plain(c)));
            after = Normalizer.normalize(plain, Normalizer.Form.NFC);
        } while (!after.equals(before));
        return after;
    }

    private static String plain(int c) {
        String ligature = LIGATURES.get(c);
        if (ligature != null) {
            return ligature;
        }
        String character = Character.toString(c);
        if (c >= 0x80 && c <= 0x9f) {
            // Windows' characters, but for the five that it has not.
            String windows = new String(new byte[] {(byte) c}, Charset.forName("windows-1252"));
            return windows.equals("\ufffd") ? character : windows;
        }
        if (c == 0x3000) {
            return " ";
        }
        if (c > 0xff00 && c < 0xfff0) {
            return Normalizer.normalize(character, Normalizer.Form.NFKC);
        }
        if (c == 0x2bc || c >= 0x2018 && c <= 0x201b) {
            return "'";
        }
        if (c >= 0x201c && c <= 0x201f) {
            return "\"";
        }
        if (c == '\r' || c == 0x2028 || c == 0x2029) {
            return "\n";
        }
        if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
            return "\ufffd";
        }
        return isControl(c) ? "" : character;
    }

    private static boolean isControl(int c) {
        return c < 0x20 && c != '\t' && c != '\n' && c != '\f'
                || c == 0x7f
                || c >= 0x206a && c <= 0x206f
                || c >= 0xfff9 && c <= 0xfffc
                || c == 0xfeff;
    }
}
