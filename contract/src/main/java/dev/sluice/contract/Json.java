package dev.sluice.contract;

import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JSON as the cases write it, {@code {kind: 'ConfigMap'}}, and as servers do. */
public final class Json {
  private static final JsonMapper STRICT =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
  private static final JsonMapper LENIENT =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_UNQUOTED_PROPERTY_NAMES)
          .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
          .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Json() {}

  /** Reads what a server sent. */
  public static JsonNode parse(String text) {
    return STRICT.readTree(text);
  }

  /** Reads what a case wrote: names without quotes and values in single ones are fine. */
  public static JsonNode of(String text) {
    return LENIENT.readTree(text);
  }

  /** What a case wrote, as it goes over the wire. */
  public static String wire(String text) {
    return of(text).toString();
  }

  static JsonMapper mapper() {
    return STRICT;
  }
}
