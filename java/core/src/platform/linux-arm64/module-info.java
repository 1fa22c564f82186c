/** The native libraries of {@code org.coolsd} for linux-arm64, which are found where this module is resolved. */
open module org.coolsd.linux.arm64 {
    requires transitive org.coolsd;
}
