package dev.sluice.testkit.internal.api;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** The rules for names, labels and keys, with the server's own words for what breaks them. */
final class Names {
  private static final String LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
  private static final String SUBDOMAIN = LABEL + "(\\." + LABEL + ")*";
  private static final String LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
  private static final String KEY_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
  private static final String LABEL_VALUE = "(" + KEY_NAME + ")?";
  private static final String CONFIG_KEY = "[-._a-zA-Z0-9]+";

  private static final Pattern IS_LABEL = Pattern.compile(LABEL);
  private static final Pattern IS_SUBDOMAIN = Pattern.compile(SUBDOMAIN);
  private static final Pattern IS_LABEL_1035 = Pattern.compile(LABEL_1035);
  private static final Pattern IS_KEY_NAME = Pattern.compile(KEY_NAME);
  private static final Pattern IS_LABEL_VALUE = Pattern.compile(LABEL_VALUE);
  private static final Pattern IS_CONFIG_KEY = Pattern.compile(CONFIG_KEY);

  private Names() {}

  /** A rule for names: what is wrong with one, in sentences; nothing if it is good. */
  interface Rule {
    List<String> check(String name);

    /** The same rule for a prefix to which something will be added. */
    default List<String> check(String name, boolean prefix) {
      return check(
          prefix && name.length() > 1 && name.endsWith("-")
              ? name.substring(0, name.length() - 2) + "a"
              : name);
    }
  }

  static List<String> subdomain(String name) {
    return subdomain(name, "characters");
  }

  private static List<String> subdomain(String name, String unit) {
    List<String> faults = new ArrayList<>();
    if (bytes(name) > 253) {
      faults.add("must be no more than 253 " + unit);
    }
    if (!IS_SUBDOMAIN.matcher(name).matches()) {
      faults.add(
          regex(
              "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters,"
                  + " '-' or '.', and must start and end with an alphanumeric character",
              SUBDOMAIN,
              "example.com"));
    }
    return faults;
  }

  static List<String> label(String name) {
    List<String> faults = new ArrayList<>();
    if (bytes(name) > 63) {
      faults.add("must be no more than 63 characters");
    }
    if (!IS_LABEL.matcher(name).matches()) {
      faults.add(
          IS_SUBDOMAIN.matcher(name).matches()
              ? "must not contain dots"
              : regex(
                  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or"
                      + " '-', and must start and end with an alphanumeric character",
                  LABEL,
                  "my-name",
                  "123-abc"));
    }
    return faults;
  }

  static List<String> label1035(String name) {
    List<String> faults = new ArrayList<>();
    if (bytes(name) > 63) {
      faults.add("must be no more than 63 characters");
    }
    if (!IS_LABEL_1035.matcher(name).matches()) {
      faults.add(
          regex(
              "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start"
                  + " with an alphabetic character, and end with an alphanumeric character",
              LABEL_1035,
              "my-name",
              "abc-123"));
    }
    return faults;
  }

  /** Names that may stand in a path. */
  static List<String> pathSegment(String name) {
    if (name.equals(".") || name.equals("..")) {
      return List.of("may not be '" + name + "'");
    }
    List<String> faults = new ArrayList<>();
    for (String illegal : List.of("/", "%")) {
      if (name.contains(illegal)) {
        faults.add("may not contain '" + illegal + "'");
      }
    }
    return faults;
  }

  static List<String> labelKey(String key) {
    List<String> faults = new ArrayList<>();
    String[] parts = key.split("/", -1);
    if (parts.length > 2) {
      faults.add(
          "a valid label key "
              + regex(KEY_RULE, KEY_NAME, "MyName", "my.name", "123-abc")
              + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
      return faults;
    }
    String name = parts[parts.length - 1];
    if (parts.length == 2) {
      if (parts[0].isEmpty()) {
        faults.add("prefix part must be non-empty");
      } else {
        subdomain(parts[0], "bytes").forEach(fault -> faults.add("prefix part " + fault));
      }
    }
    if (name.isEmpty()) {
      faults.add("name part must be non-empty");
    } else if (bytes(name) > 63) {
      faults.add("name part " + atMost(63));
    }
    if (!IS_KEY_NAME.matcher(name).matches()) {
      faults.add("name part " + regex(KEY_RULE, KEY_NAME, "MyName", "my.name", "123-abc"));
    }
    return faults;
  }

  private static final String KEY_RULE =
      "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an"
          + " alphanumeric character";

  static List<String> annotationKey(String key) {
    return labelKey(key.toLowerCase(Locale.ROOT));
  }

  static List<String> labelValue(String value) {
    List<String> faults = new ArrayList<>();
    if (bytes(value) > 63) {
      faults.add(atMost(63));
    }
    if (!IS_LABEL_VALUE.matcher(value).matches()) {
      faults.add(
          regex(
              "a valid label must be an empty string or consist of alphanumeric characters, '-',"
                  + " '_' or '.', and must start and end with an alphanumeric character",
              LABEL_VALUE,
              "MyValue",
              "my_value",
              "12345"));
    }
    return faults;
  }

  /** Keys of a ConfigMap's or a Secret's data. */
  static List<String> configKey(String key) {
    List<String> faults = new ArrayList<>();
    if (bytes(key) > 253) {
      faults.add("must be no more than 253 characters");
    }
    if (!IS_CONFIG_KEY.matcher(key).matches()) {
      faults.add(
          regex(
              "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
              CONFIG_KEY,
              "key.name",
              "KEY_NAME",
              "key-name"));
    }
    if (key.equals(".")) {
      faults.add("must not be '.'");
    } else if (key.equals("..")) {
      faults.add("must not be '..'");
    } else if (key.startsWith("..")) {
      faults.add("must not start with '..'");
    }
    return faults;
  }

  static String atMost(int bytes) {
    return "must be no more than " + bytes + " bytes";
  }

  static int bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  static String regex(String message, String expression, String... examples) {
    StringBuilder text = new StringBuilder(message).append(" (e.g. ");
    for (int i = 0; i < examples.length; i++) {
      if (i > 0) {
        text.append(" or ");
      }
      text.append('\'').append(examples[i]).append("', ");
    }
    return text.append("regex used for validation is '").append(expression).append("')").toString();
  }
}
