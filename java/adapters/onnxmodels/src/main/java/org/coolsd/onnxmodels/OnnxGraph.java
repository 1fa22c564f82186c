package org.coolsd.onnxmodels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An ONNX graph as it is written, operator after operator; each gives its result a name. Field numbers are those of ONNX's
 * onnx.proto, operators those of operator set 17.
 */
final class OnnxGraph {
    /** Element types, by ONNX's numbers. */
    static final int FLOAT = 1;

    static final int INT64 = 7;
    static final int BOOL = 9;

    private static final int OPERATOR_SET = 17;
    private static final int IR_VERSION = 8;

    private final ProtoWriter graph = new ProtoWriter();
    private final List<Node> nodes = new ArrayList<>();
    /** What results are called instead: outputs. */
    private final Map<String, String> outputs = new HashMap<>();

    private int names;

    private record Node(String operator, String[] inputs, String output, Attribute[] attributes) {}

    /** An attribute of a node. */
    private record Attribute(ProtoWriter written) {
        static Attribute of(String name, long value) {
            return new Attribute(
                    new ProtoWriter().text(1, name).number(3, value).number(20, 2));
        }

        static Attribute of(String name, long[] values) {
            ProtoWriter attribute = new ProtoWriter().text(1, name);
            for (long value : values) {
                attribute.number(8, value);
            }
            return new Attribute(attribute.number(20, 7));
        }
    }

    /** Declares an input. @param dims numbers, or names of dimensions that vary */
    String input(String name, int type, Object... dims) {
        graph.message(11, value(name, type, dims));
        return name;
    }

    /** Declares {@code result} as the output {@code name}. */
    void output(String name, String result, Object... dims) {
        outputs.put(result, name);
        graph.message(12, value(name, FLOAT, dims));
    }

    String constant(float[] values, long... dims) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return tensor(FLOAT, bytes.array(), dims);
    }

    String constant(long[] values, long... dims) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(values);
        return tensor(INT64, bytes.array(), dims);
    }

    private String tensor(int type, byte[] values, long... dims) {
        String name = "constant" + names++;
        ProtoWriter tensor = new ProtoWriter();
        for (long dim : dims) {
            tensor.number(1, dim);
        }
        graph.message(5, tensor.number(2, type).text(8, name).bytes(9, values));
        return name;
    }

    /** The result of an operator without attributes. */
    String node(String operator, String... inputs) {
        return add(operator, inputs);
    }

    /** The result of an operator with an attribute that is a number. */
    String node(String operator, String attribute, long value, String... inputs) {
        return add(operator, inputs, Attribute.of(attribute, value));
    }

    String transpose(String input, long... order) {
        return add("Transpose", new String[] {input}, Attribute.of("perm", order));
    }

    /** The mean of squares over the last dimension, which stays as 1. */
    String meanOfSquares(String input) {
        String[] squares = {node("Mul", input, input)};
        return add("ReduceMean", squares, Attribute.of("axes", new long[] {-1}), Attribute.of("keepdims", 1));
    }

    private String add(String operator, String[] inputs, Attribute... attributes) {
        String name = "result" + names++;
        nodes.add(new Node(operator, inputs, name, attributes));
        return name;
    }

    private ProtoWriter written(Node node) {
        ProtoWriter written = new ProtoWriter();
        for (String input : node.inputs) {
            written.text(1, outputs.getOrDefault(input, input));
        }
        written.text(2, outputs.getOrDefault(node.output, node.output))
                .text(3, node.output)
                .text(4, node.operator);
        for (Attribute attribute : node.attributes) {
            written.message(5, attribute.written);
        }
        return written;
    }

    private static ProtoWriter value(String name, int type, Object... dims) {
        ProtoWriter shape = new ProtoWriter();
        for (Object dim : dims) {
            ProtoWriter written = new ProtoWriter();
            shape.message(1, dim instanceof String symbol ? written.text(2, symbol) : written.number(1, (Integer) dim));
        }
        ProtoWriter tensor = new ProtoWriter().number(1, type).message(2, shape);
        return new ProtoWriter().text(1, name).message(2, new ProtoWriter().message(1, tensor));
    }

    /** The bytes of a model file. */
    byte[] model() {
        nodes.forEach(node -> graph.message(1, written(node)));
        graph.text(2, "coolsd");
        return new ProtoWriter()
                .number(1, IR_VERSION)
                .text(2, "coolsd")
                .message(7, graph)
                .message(8, new ProtoWriter().text(1, "").number(2, OPERATOR_SET))
                .toByteArray();
    }
}
