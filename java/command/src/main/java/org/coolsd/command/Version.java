package org.coolsd.command;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** What {@code --version} says: the version of this project, and of the LibTorch and the Java that it runs on. */
public final class Version implements IVersionProvider {
    /** Made by picocli. */
    public Version() {}

    @Override
    public String[] getVersion() throws IOException {
        Properties versions = new Properties();
        try (InputStream in = Version.class.getResourceAsStream("version.properties")) {
            versions.load(in);
        }
        return new String[] {
            "coolsd " + versions.getProperty("coolsd"),
            "LibTorch " + versions.getProperty("libtorch").replaceFirst("-.*", "") + " (JavaCPP presets "
                    + versions.getProperty("libtorch") + ")",
            "Java " + System.getProperty("java.version") + " (" + System.getProperty("java.vendor") + ") on "
                    + System.getProperty("os.name") + " " + System.getProperty("os.arch")
        };
    }
}
