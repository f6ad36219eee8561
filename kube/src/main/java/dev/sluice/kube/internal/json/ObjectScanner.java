package dev.sluice.kube.internal.json;

import static dev.sluice.kube.internal.json.Tokens.endOfString;
import static dev.sluice.kube.internal.json.Tokens.expect;
import static dev.sluice.kube.internal.json.Tokens.skipSpace;
import static dev.sluice.kube.internal.json.Tokens.skipValue;
import static dev.sluice.kube.internal.json.Tokens.unexpected;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Walks one watch frame or one object and notes what a stream needs of it: the kind of event, where
 * the object lies, and of its metadata the namespace, name, uid, version and generation, in one
 * pass over the bytes.
 *
 * <p>Keys may stand in any order. Built-in kinds send {@code metadata} early with the name in
 * front; custom resources send their keys sorted, so that {@code annotations} (up to 256 KiB) come
 * before {@code name}, and {@code spec} may stand before or after {@code metadata}. Only members of
 * the top level and of {@code metadata} are looked at; whatever else there is, however much it
 * resembles metadata, is skipped as one value. Of a repeated key the last one counts, as in most
 * parsers.
 *
 * <p>An instance is used again and again by one thread: each call overwrites the last result. The
 * results refer to the array that was scanned and hold only as long as that does.
 */
public final class ObjectScanner {
  /** The members that are looked at. */
  private enum Member {
    TYPE("type"),
    OBJECT("object"),
    KIND("kind"),
    API_VERSION("apiVersion"),
    METADATA("metadata"),
    NAMESPACE("namespace"),
    NAME("name"),
    UID("uid"),
    RESOURCE_VERSION("resourceVersion"),
    GENERATION("generation"),
    DELETION_TIMESTAMP("deletionTimestamp"),
    LABELS("labels"),
    ANNOTATIONS("annotations"),
    MANAGED_FIELDS("managedFields"),
    OTHER("");

    final String text;
    final byte[] key;

    Member(String text) {
      this.text = text;
      this.key = ascii(text);
    }
  }

  /** By the length of their keys, which tells most of them apart. */
  private static final Member[][] BY_LENGTH = new Member[18][];

  static {
    for (int length = 0; length < BY_LENGTH.length; length++) {
      int wanted = length;
      BY_LENGTH[length] =
          Arrays.stream(Member.values())
              .filter(member -> member != Member.OTHER && member.key.length == wanted)
              .toArray(Member[]::new);
    }
  }

  private static final byte[] STATUS = ascii("Status");

  private byte[] bytes = new byte[0];

  // The frame.
  private @Nullable String type;
  private boolean objectSeen;

  // The object.
  private int objectStart;
  private int objectEnd;
  private boolean kindSeen;
  private boolean apiVersionSeen;
  private boolean status;
  private boolean metadataSeen;
  private String namespace = "";
  private String name = "";
  private String uid = "";
  private String resourceVersion = "";
  private long generation;
  private boolean deleting;
  private int labelsStart;
  private int labelsEnd;
  private int annotationsStart;
  private int annotationsEnd;
  private int managedStart;
  private int managedEnd;

  // Where the value last read as a string ends, without and with its quotes.
  private int next;

  /**
   * Scans a frame of a watch: {@code {"type": ..., "object": {...}}}. A bare {@code Status} in
   * place of a frame, as some proxies and servers send, is taken for an ERROR event.
   *
   * @throws MalformedJsonException if it is neither
   */
  public void scanFrame(byte[] b, int start, int end) throws MalformedJsonException {
    reset(b);
    type = null;
    objectSeen = false;
    boolean bareStatus = false;
    int p = expect(b, start, end, '{');
    p = skipSpace(b, p, end);
    if (p < end && b[p] == '}') {
      throw new MalformedJsonException("an event without type and object");
    }
    while (true) {
      int keyStart = openKey(b, p, end);
      int keyEnd = endOfString(b, keyStart, end);
      p = skipSpace(b, expect(b, keyEnd + 1, end, ':'), end);
      switch (member(b, keyStart, keyEnd)) {
        case TYPE -> {
          type = string(b, p, end);
          p = next;
        }
        case OBJECT -> {
          if (p < end && b[p] == '{') {
            p = object(b, p, end);
            objectSeen = true;
          } else {
            p = skipValue(b, p, end);
          }
        }
        case KIND -> {
          int valueStart = p;
          p = skipValue(b, p, end);
          bareStatus = isString(b, valueStart, p, STATUS);
        }
        default -> p = skipValue(b, p, end);
      }
      p = skipSpace(b, p, end);
      int after = afterMember(b, p, end);
      if (after < 0) {
        p++;
        break;
      }
      p = after;
    }
    noMore(b, p, end);
    if (objectSeen && type != null) {
      return;
    }
    if (bareStatus && !objectSeen) {
      type = "ERROR";
      objectStart = skipSpace(b, start, end);
      objectEnd = p;
      status = true;
      return;
    }
    throw new MalformedJsonException(
        type == null
            ? "an event without a type"
            : "an event of type " + type + " without an object");
  }

  /**
   * Scans one object, as it stands in a list.
   *
   * @throws MalformedJsonException if it is none
   */
  public void scanObject(byte[] b, int start, int end) throws MalformedJsonException {
    reset(b);
    int p = skipSpace(b, start, end);
    if (p < end && b[p] != '{') {
      throw unexpected(b, p, "an object");
    }
    noMore(b, object(b, p, end), end);
  }

  /**
   * Scans the object that begins at {@code start}, whatever follows it.
   *
   * @return the position behind it
   * @throws MalformedJsonException if there is none, or none that ends before {@code end}
   */
  public int scanLeading(byte[] b, int start, int end) throws MalformedJsonException {
    reset(b);
    return object(b, start, end);
  }

  private void reset(byte[] b) {
    bytes = b;
    resetObject();
  }

  private void resetObject() {
    kindSeen = false;
    apiVersionSeen = false;
    status = false;
    resetMetadata();
    metadataSeen = false;
  }

  private void resetMetadata() {
    metadataSeen = true;
    namespace = "";
    name = "";
    uid = "";
    resourceVersion = "";
    generation = 0;
    deleting = false;
    labelsStart = labelsEnd = 0;
    annotationsStart = annotationsEnd = 0;
    managedStart = managedEnd = 0;
  }

  private int object(byte[] b, int start, int end) throws MalformedJsonException {
    resetObject();
    objectStart = start;
    int p = skipSpace(b, expect(b, start, end, '{'), end);
    if (p < end && b[p] == '}') {
      objectEnd = p + 1;
      return objectEnd;
    }
    while (true) {
      int keyStart = openKey(b, p, end);
      int keyEnd = endOfString(b, keyStart, end);
      p = skipSpace(b, expect(b, keyEnd + 1, end, ':'), end);
      switch (member(b, keyStart, keyEnd)) {
        case METADATA -> {
          resetMetadata();
          p = p < end && b[p] == '{' ? metadata(b, p, end) : skipValue(b, p, end);
        }
        case KIND -> {
          int valueStart = p;
          p = skipValue(b, p, end);
          kindSeen = true;
          status = isString(b, valueStart, p, STATUS);
        }
        case API_VERSION -> {
          p = skipValue(b, p, end);
          apiVersionSeen = true;
        }
        default -> p = skipValue(b, p, end);
      }
      p = skipSpace(b, p, end);
      int after = afterMember(b, p, end);
      if (after < 0) {
        objectEnd = p + 1;
        return objectEnd;
      }
      p = after;
    }
  }

  private int metadata(byte[] b, int start, int end) throws MalformedJsonException {
    int p = skipSpace(b, start + 1, end);
    if (p < end && b[p] == '}') {
      return p + 1;
    }
    int comma = -1;
    while (true) {
      int keyStart = openKey(b, p, end);
      int keyEnd = endOfString(b, keyStart, end);
      p = skipSpace(b, expect(b, keyEnd + 1, end, ':'), end);
      boolean managed = false;
      int valueStart = p;
      switch (member(b, keyStart, keyEnd)) {
        case NAME -> {
          name = string(b, p, end);
          p = next;
        }
        case NAMESPACE -> {
          namespace = string(b, p, end);
          p = next;
        }
        case UID -> {
          uid = string(b, p, end);
          p = next;
        }
        case RESOURCE_VERSION -> {
          resourceVersion = string(b, p, end);
          p = next;
        }
        case GENERATION -> {
          p = skipValue(b, p, end);
          generation = integer(b, valueStart, p);
        }
        case DELETION_TIMESTAMP -> {
          p = skipValue(b, p, end);
          deleting = b[valueStart] == '"';
        }
        case LABELS -> {
          p = skipValue(b, p, end);
          labelsStart = valueStart;
          labelsEnd = p;
        }
        case ANNOTATIONS -> {
          p = skipValue(b, p, end);
          annotationsStart = valueStart;
          annotationsEnd = p;
        }
        case MANAGED_FIELDS -> {
          p = skipValue(b, p, end);
          managed = true;
        }
        default -> p = skipValue(b, p, end);
      }
      int valueEnd = p;
      p = skipSpace(b, p, end);
      int after = afterMember(b, p, end);
      if (managed) {
        // Cut with the comma behind it, or as the last member with the one before it.
        managedStart = after < 0 && comma >= 0 ? comma : keyStart - 1;
        managedEnd = after < 0 ? valueEnd : p + 1;
      }
      if (after < 0) {
        return p + 1;
      }
      comma = p;
      p = after;
    }
  }

  private static int openKey(byte[] b, int p, int end) throws MalformedJsonException {
    if (p >= end) {
      throw new MalformedJsonException("cut at byte " + p + ", where a key should be");
    }
    if (b[p] != '"') {
      throw unexpected(b, p, "a key");
    }
    return p + 1;
  }

  /** The position of the next key after a comma at {@code p}, or -1 for a closing brace. */
  private static int afterMember(byte[] b, int p, int end) throws MalformedJsonException {
    if (p >= end) {
      throw new MalformedJsonException("cut at byte " + p + ", inside an object");
    }
    if (b[p] == ',') {
      return skipSpace(b, p + 1, end);
    }
    if (b[p] == '}') {
      return -1;
    }
    throw unexpected(b, p, "',' or '}'");
  }

  private static void noMore(byte[] b, int p, int end) throws MalformedJsonException {
    int rest = skipSpace(b, p, end);
    if (rest < end) {
      throw unexpected(b, rest, "nothing more");
    }
  }

  /** A string value, or "" for a value of another type; {@link #next} is behind it. */
  private String string(byte[] b, int p, int end) throws MalformedJsonException {
    if (p < end && b[p] == '"') {
      int close = endOfString(b, p + 1, end);
      next = close + 1;
      return Tokens.text(b, p + 1, close);
    }
    next = skipValue(b, p, end);
    return "";
  }

  /** Which member the key at {@code [p, q)} (without quotes) names, escapes included. */
  private static Member member(byte[] b, int p, int q) throws MalformedJsonException {
    if (q - p < BY_LENGTH.length) {
      for (Member member : BY_LENGTH[q - p]) {
        if (Arrays.equals(b, p, q, member.key, 0, member.key.length)) {
          return member;
        }
      }
    }
    if (Tokens.quoteOrBackslash(b, p, q) < q) {
      String text = Tokens.text(b, p, q);
      for (Member member : Member.values()) {
        if (member.text.equals(text) && member != Member.OTHER) {
          return member;
        }
      }
    }
    return Member.OTHER;
  }

  private static boolean isString(byte[] b, int p, int q, byte[] text)
      throws MalformedJsonException {
    return q - p >= 2 && b[p] == '"' && Tokens.is(b, p + 1, q - 1, text);
  }

  /** A whole number that fits; 0 for anything else. */
  private static long integer(byte[] b, int p, int q) {
    int digits = b[p] == '-' ? p + 1 : p;
    if (digits == q || q - digits > 18) {
      return 0;
    }
    long value = 0;
    for (int i = digits; i < q; i++) {
      if (b[i] < '0' || b[i] > '9') {
        return 0;
      }
      value = value * 10 + (b[i] - '0');
    }
    return digits > p ? -value : value;
  }

  /** The event's type as the server wrote it: ADDED, MODIFIED, DELETED, BOOKMARK, ERROR. */
  public String type() {
    return type == null ? "" : type;
  }

  /** Whether the object is a {@code Status}. */
  public boolean isStatus() {
    return status;
  }

  /** Whether the object has metadata at all. */
  public boolean hasMetadata() {
    return metadataSeen;
  }

  /** The namespace; empty if it has none. */
  public String namespace() {
    return namespace;
  }

  /** The name; empty if it has none. */
  public String name() {
    return name;
  }

  /** The uid; empty if it has none. */
  public String uid() {
    return uid;
  }

  /** The resource version; empty if it has none. */
  public String resourceVersion() {
    return resourceVersion;
  }

  /** The generation; 0 if it has none or it is no whole number of at most 18 digits. */
  public long generation() {
    return generation;
  }

  /** Whether there is a deletion timestamp. */
  public boolean deleting() {
    return deleting;
  }

  /** The position of the object's first byte. */
  public int objectStart() {
    return objectStart;
  }

  /** The position after the object's last byte. */
  public int objectEnd() {
    return objectEnd;
  }

  /** The labels, in their order. */
  public Map<String, String> labels() throws MalformedJsonException {
    return strings(bytes, labelsStart, labelsEnd);
  }

  /** The annotations, in their order. */
  public Map<String, String> annotations() throws MalformedJsonException {
    return strings(bytes, annotationsStart, annotationsEnd);
  }

  /**
   * The object's bytes, in an array of its own.
   *
   * @param cutManagedFields whether {@code metadata.managedFields} is left out
   * @param typeMeta {@code "kind":"Pod","apiVersion":"v1",}: put in front if the object lacks
   *     either, as the items of a list of built-in kinds do
   */
  public byte[] body(boolean cutManagedFields, byte[] typeMeta) {
    boolean insert = !kindSeen && !apiVersionSeen && typeMeta.length > 0;
    int cut = cutManagedFields ? managedEnd - managedStart : 0;
    int added = insert ? typeMeta.length : 0;
    byte[] body = new byte[objectEnd - objectStart - cut + added];
    int at = 0;
    int from = objectStart;
    if (insert) {
      body[at++] = '{';
      from++;
      System.arraycopy(typeMeta, 0, body, at, added);
      at += added;
    }
    if (cut > 0) {
      System.arraycopy(bytes, from, body, at, managedStart - from);
      at += managedStart - from;
      from = managedEnd;
    }
    System.arraycopy(bytes, from, body, at, objectEnd - from);
    return body;
  }

  private static Map<String, String> strings(byte[] b, int start, int end)
      throws MalformedJsonException {
    Map<String, String> map = new LinkedHashMap<>();
    if (start >= end || b[start] != '{') {
      return map;
    }
    int p = skipSpace(b, start + 1, end);
    if (p < end && b[p] == '}') {
      return map;
    }
    while (true) {
      int keyStart = openKey(b, p, end);
      int keyEnd = endOfString(b, keyStart, end);
      p = skipSpace(b, expect(b, keyEnd + 1, end, ':'), end);
      int valueStart = p;
      p = skipValue(b, p, end);
      String key = Tokens.text(b, keyStart, keyEnd);
      if (b[valueStart] == '"') {
        map.put(key, Tokens.text(b, valueStart + 1, p - 1));
      } else {
        map.remove(key);
      }
      p = skipSpace(b, p, end);
      int after = afterMember(b, p, end);
      if (after < 0) {
        return map;
      }
      p = after;
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
