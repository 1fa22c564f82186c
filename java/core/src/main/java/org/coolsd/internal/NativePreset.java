package org.coolsd.internal;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/** What JavaCPP generates the binding {@code Native} from: coolsd.h and coolsd_version.h, and nothing by hand. */
@Properties(
        value =
                @Platform(
                        include = {"coolsd_version.h", "coolsd.h"},
                        link = "coolsd@.0"),
        target = "org.coolsd.internal.binding",
        global = "org.coolsd.internal.binding.Native")
public class NativePreset implements InfoMapper {
    @Override
    public void map(InfoMap infos) {
        infos.put(new Info("COOLSD_API").cppTypes().annotations());
    }
}
