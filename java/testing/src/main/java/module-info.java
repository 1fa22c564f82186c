/** What the tests of several modules share. It is not published. */
module org.coolsd.testing {
    requires commons.math3;

    exports org.coolsd.testing;
}
