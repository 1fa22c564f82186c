/** What the command lines of the project share. */
module org.coolsd.command {
    requires transitive info.picocli;
    requires transitive org.coolsd.images;
    requires com.fasterxml.jackson.databind;
    requires jdk.unsupported;
    requires me.tongfei.progressbar;

    exports org.coolsd.command;

    opens org.coolsd.command to
            info.picocli;
}
