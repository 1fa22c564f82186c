/** The native libraries of {@code org.coolsd} for linux-x86_64, which are found where this module is resolved. */
open module org.coolsd.linux.x86_64 {
    requires transitive org.coolsd;
}
