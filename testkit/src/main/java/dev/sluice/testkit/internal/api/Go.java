package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.math.BigDecimal;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Go's ways of writing values into messages. */
final class Go {
  private Go() {}

  /** A JSON value as Go prints the maps and slices it is read into: {@code map[a:1 b:[x y]]}. */
  static String plain(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> {
        StringBuilder text = new StringBuilder("map[");
        for (String name : new TreeSet<>(node.propertyNames())) {
          text.append(text.length() > 4 ? " " : "")
              .append(name)
              .append(':')
              .append(plain(node.get(name)));
        }
        yield text.append(']').toString();
      }
      case ARRAY -> {
        StringBuilder text = new StringBuilder("[");
        for (JsonNode element : node) {
          text.append(text.length() > 1 ? " " : "").append(plain(element));
        }
        yield text.append(']').toString();
      }
      case NULL -> "<nil>";
      case STRING -> node.stringValue();
      default -> Json.text(node);
    };
  }

  /** {@code %q}. */
  static String quote(String text) {
    StringBuilder quoted = new StringBuilder(text.length() + 2).append('"');
    text.codePoints()
        .forEach(c -> {
          switch (c) {
            case '"' -> quoted.append("\\\"");
            case '\\' -> quoted.append("\\\\");
            case '\n' -> quoted.append("\\n");
            case '\r' -> quoted.append("\\r");
            case '\t' -> quoted.append("\\t");
            case 7 -> quoted.append("\\a");
            case '\b' -> quoted.append("\\b");
            case '\f' -> quoted.append("\\f");
            case 11 -> quoted.append("\\v");
            default -> {
              if (c < 0x20 || c == 0x7f) {
                quoted.append(String.format("\\x%02x", c));
              } else {
                quoted.appendCodePoint(c);
              }
            }
          }
        });
    return quoted.append('"').toString();
  }

  /** How a field error shows a value: {@code %v} of simple ones, {@code %q} of text, else JSON. */
  static String value(@Nullable JsonNode value) {
    if (value == null || value.isNull()) {
      return "null";
    }
    if (value.isString()) {
      return quote(value.stringValue());
    }
    if (value.isNumber() && !value.isIntegralNumber()) {
      return number(value.doubleValue());
    }
    return Json.text(value);
  }

  /** {@code %v} of a float: the shortest digits, with an exponent below 1e-4 and from 1e6 on. */
  static String number(double value) {
    BigDecimal digits = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = digits.precision() - digits.scale() - 1;
    if (digits.signum() == 0 || (exponent >= -4 && exponent < 6)) {
      return digits.signum() == 0 ? "0" : digits.toPlainString();
    }
    String all = digits.unscaledValue().abs().toString();
    return (digits.signum() < 0 ? "-" : "")
        + all.charAt(0)
        + (all.length() > 1 ? "." + all.substring(1) : "")
        + "e"
        + (exponent < 0 ? "-" : "+")
        + (Math.abs(exponent) < 10 ? "0" : "")
        + Math.abs(exponent);
  }
}
