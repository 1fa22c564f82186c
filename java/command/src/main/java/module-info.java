/** What the command lines of the project share. */
module org.coolsd.command {
    requires transitive info.picocli;
    requires transitive me.tongfei.progressbar;
    requires transitive org.coolsd.images;
    requires com.fasterxml.jackson.databind;

    exports org.coolsd.command;

    opens org.coolsd.command to
            info.picocli;
}
