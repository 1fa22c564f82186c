/** The command line. */
module org.coolsd.cli {
    requires org.coolsd.engine;
    requires info.picocli;
    requires me.tongfei.progressbar;
    requires org.knowm.xchart;
    requires java.desktop;

    opens org.coolsd.cli to
            info.picocli;
}
