/** The command line. */
module org.coolsd.cli {
    requires org.coolsd.engine;
    requires com.fasterxml.jackson.databind;
    requires info.picocli;
    requires java.desktop;
    requires me.tongfei.progressbar;
    requires org.knowm.xchart;

    opens org.coolsd.cli to
            info.picocli;
}
