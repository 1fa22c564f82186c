/** Images over HTTP. */
module org.coolsd.server {
    requires transitive org.coolsd.images;
    requires com.fasterxml.jackson.databind;
    requires io.javalin;
    requires micrometer.core;
    requires micrometer.registry.prometheus;
    requires org.eclipse.jetty.ee10.servlet;
    requires org.eclipse.jetty.server;
    requires static org.jspecify;

    exports org.coolsd.server;
}
