package dev.sluice.cli.demo;

import dev.sluice.kube.Codec;
import java.io.IOException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the demo's controller reads of an object.
 *
 * @param generation grows with each change of the spec
 * @param level what the spec says
 * @param observedGeneration the generation that the status was made from; 0 before the first
 * @param observedLevel what the status says
 */
record Gauge(long generation, long level, long observedGeneration, long observedLevel) {
  private static final JsonMapper JSON = new JsonMapper();

  /** From the bytes. */
  static final Codec<Gauge> CODEC =
      json -> {
        try {
          return of(JSON.readTree(json));
        } catch (JacksonException e) {
          throw new IOException("not a gauge: " + e.getOriginalMessage(), e);
        }
      };

  /** From the object's JSON. */
  static Gauge of(JsonNode object) {
    return new Gauge(
        object.path("metadata").path("generation").asLong(0),
        object.path("spec").path("level").asLong(0),
        object.path("status").path("observedGeneration").asLong(0),
        object.path("status").path("level").asLong(0));
  }

  /** Whether the status is that of the latest generation. */
  boolean isSettled() {
    return observedGeneration == generation && observedLevel == level;
  }

  /** The merge patch that settles it. */
  String status() {
    return "{\"status\":{\"observedGeneration\":" + generation + ",\"level\":" + level + "}}";
  }
}
