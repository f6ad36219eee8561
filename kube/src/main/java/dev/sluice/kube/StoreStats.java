package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.util.Map;
import java.util.Optional;

/**
 * What a store holds and in which form.
 *
 * @param objects how many objects
 * @param packing how objects at rest are packed: {@code zstd}; or {@code off: } and why not
 * @param packed how many objects are packed, as of the last look
 * @param packedBytes how many bytes the packed bodies take
 * @param unpackedBytes how many bytes the packed bodies would take as they came
 * @param rawBytes how many bytes the bodies take that are not packed, as of the last look
 * @param coders how many dictionaries are in use
 * @param coderBytes about how many bytes these take, on the heap and outside
 * @param trainings how often a dictionary was trained
 * @param failures how often packing or training failed; the objects stay as they came
 * @param lastFailure the last of these, in words
 * @param damaged how many packed bodies could not be read again; the objects are asked for again
 * @param indexes how the indexes do, by their names
 * @param inIndex which index function runs at the moment, and for how long; a stream cannot go on
 *     before it returns
 */
@Experimental
public record StoreStats(
    int objects,
    String packing,
    int packed,
    long packedBytes,
    long unpackedBytes,
    long rawBytes,
    int coders,
    long coderBytes,
    long trainings,
    long failures,
    Optional<String> lastFailure,
    long damaged,
    Map<String, IndexStats> indexes,
    Optional<String> inIndex) {

  /** A copy of the map. */
  public StoreStats {
    indexes = Map.copyOf(indexes);
  }

  /**
   * How an index does.
   *
   * @param values how many different values there are
   * @param failures how often its function threw, or gave null, for an object; the object is in the
   *     store then, and in this index under nothing
   * @param lastFailure the last of these, in words
   */
  public record IndexStats(int values, long failures, Optional<String> lastFailure) {}

  /** The store in words, one line for the bodies and one for each index. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(objects)
        .append(" objects; packing ")
        .append(packing)
        .append("; ")
        .append(packed)
        .append(" packed (")
        .append(unpackedBytes)
        .append(" bytes in ")
        .append(packedBytes)
        .append("), ")
        .append(rawBytes)
        .append(" bytes as they came; ")
        .append(coders)
        .append(" dictionaries (")
        .append(coderBytes)
        .append(" bytes), trained ")
        .append(trainings)
        .append(" times");
    if (failures > 0) {
      text.append("; ").append(failures).append(" failures");
      lastFailure.ifPresent(failure -> text.append(", the last one: ").append(failure));
    }
    if (damaged > 0) {
      text.append("; ").append(damaged).append(" damaged");
    }
    indexes.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(index -> {
          text.append("\nindex ")
              .append(index.getKey())
              .append(": ")
              .append(index.getValue().values())
              .append(" values");
          if (index.getValue().failures() > 0) {
            text.append(", ").append(index.getValue().failures()).append(" failures");
          }
          index
              .getValue()
              .lastFailure()
              .ifPresent(failure -> text.append(", the last one: ").append(failure));
        });
    inIndex.ifPresent(running -> text.append("\nrunning: ").append(running));
    return text.toString();
  }
}
