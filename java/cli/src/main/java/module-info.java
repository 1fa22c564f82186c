/** The command line. */
module org.coolsd.cli {
    requires org.coolsd.command;
    requires org.coolsd.server;
    requires org.coolsd.training;
    requires java.desktop;
    requires org.knowm.xchart;

    opens org.coolsd.cli to
            info.picocli;
}
