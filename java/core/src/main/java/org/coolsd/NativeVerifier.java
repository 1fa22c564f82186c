package org.coolsd;

import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.coolsd.NativeMemory.Struct;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;
import org.coolsd.internal.binding.coolsd_lantern;
import org.coolsd.internal.binding.coolsd_verifier;
import org.coolsd.internal.binding.coolsd_verifier_spec;
import org.jspecify.annotations.Nullable;

/**
 * The native half of a verifier, which is freed once: its handle, what the handle points to, and the memory that its device
 * was given. It does not know the Java half, so that a forgotten one can be collected.
 */
final class NativeVerifier implements Runnable {
    private final coolsd_verifier handle = new coolsd_verifier();
    private final boolean onDevice;
    /** LANTERN's neighbours, which the handle points to. */
    private final @Nullable NeighbourTable neighbours;

    /** Memory that the device reads and writes. */
    private final Set<NativeMemory> registered = ConcurrentHashMap.newKeySet();
    /** Memory of forgotten steps: the handle is for one thread at a time, and the collector's is none of them. */
    private final Queue<NativeMemory> forgotten = new ConcurrentLinkedQueue<>();

    NativeVerifier(Backend backend, VerifierSpec spec) {
        onDevice = backend.onDevice();
        neighbours = spec.acceptance() instanceof Lantern lantern ? lantern.table() : null;
        int length = spec.drafts().length();
        NativeMemory.Layout layout = new NativeMemory.Layout();
        int specAt = layout.add(coolsd_verifier_spec.class);
        int lanternAt = layout.add(coolsd_lantern.class);
        int omegaAt = layout.add(Math.max(1, length), Float.BYTES);
        NativeMemory memory = layout.allocate();
        float[] omega = spec.drafts().omega();
        for (int i = 0; i < length; i++) {
            memory.bytes.putFloat(omegaAt + Float.BYTES * i, omega[i]);
        }
        Struct to = memory.struct(specAt, coolsd_verifier_spec.class).putStructSize();
        to.put("backend", backend.code()).put("device", backend.device()).put("vocab", spec.vocab());
        to.put("draft_length", length).point("omega", memory, omegaAt);
        memory.put(to.at("target"), spec.target());
        memory.put(to.at("draft"), spec.draft());
        to.put("factors", spec.drafts().factors().ordinal())
                .put("drift_budget", spec.drafts().driftBudget());
        if (spec.acceptance() instanceof Lantern lantern) {
            put(memory.struct(lanternAt, coolsd_lantern.class), lantern);
            to.put("rule", Native.COOLSD_RULE_LANTERN).point("lantern", memory, lanternAt);
        } else if (spec.acceptance() instanceof Acceptance.Token token) {
            to.put("rule", Native.COOLSD_RULE_RELAXED).put("affine", token.affine());
        } else {
            to.put("rule", Native.COOLSD_RULE_BLOCK);
        }
        try {
            NativeLibrary.check(Native.coolsd_verifier_create(
                    new coolsd_verifier_spec(new NativeMemory.Address(memory.address + specAt)), handle));
        } finally {
            java.lang.ref.Reference.reachabilityFence(memory.bytes);
        }
    }

    private static void put(Struct to, Lantern from) {
        to.putStructSize().put("k", from.table().k()).put("bound", from.bound());
        to.point("neighbours", NativeLibrary.address(from.table().buffer()));
        to.put("rule", from.plusPlus() ? Native.COOLSD_LANTERN_PLUS_PLUS : Native.COOLSD_LANTERN);
        to.put("residual", from.optimal() ? Native.COOLSD_RESIDUAL_OPTIMAL : Native.COOLSD_RESIDUAL_LANTERN);
    }

    coolsd_verifier handle() {
        return handle;
    }

    /** Whether a device computes, which must be given memory and waited for. */
    boolean onDevice() {
        return onDevice;
    }

    /** Lets the device use {@code memory} until {@link #unregister}. Within a call. */
    void register(NativeMemory memory) {
        unregisterForgotten();
        if (onDevice) {
            NativeLibrary.check(Native.coolsd_host_register(handle, memory.pointer(), memory.pages()));
            registered.add(memory);
        }
    }

    /** Ends it; does nothing if that was done. Within a call. */
    void unregister(NativeMemory memory) {
        if (registered.remove(memory)) {
            NativeLibrary.check(Native.coolsd_host_unregister(handle, memory.pointer()));
        }
    }

    /** Ends it at the verifier's next chance. From any thread. */
    void forget(NativeMemory memory) {
        forgotten.add(memory);
    }

    private void unregisterForgotten() {
        for (NativeMemory memory = forgotten.poll(); memory != null; memory = forgotten.poll()) {
            unregister(memory);
        }
    }

    /** Frees everything. Outside any call. */
    @Override
    public void run() {
        for (NativeMemory memory : registered) {
            // What a device refuses here it forgets with the verifier.
            Native.coolsd_host_unregister(handle, memory.pointer());
        }
        registered.clear();
        Native.coolsd_verifier_destroy(handle);
        java.lang.ref.Reference.reachabilityFence(neighbours);
    }
}
