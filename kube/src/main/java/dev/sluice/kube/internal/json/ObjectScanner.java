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
import java.util.UUID;
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
 * <p>One loop crosses the frame, the object and its metadata; which of them the present member
 * belongs to is a number. So there is one place where a value is skipped, which is where the time
 * goes, and little for a compiler to translate before it is fast. Texts are made of what was found
 * only at the end, and of the uid only when somebody asks.
 *
 * <p>Of most objects little changes from one state to the next, and that stands in the metadata and
 * in the last member ({@code status}). Whoever keeps the earlier state offers it ({@link Known}):
 * what stands behind the metadata is compared with it, many bytes at a time, and what is the same
 * was crossed before and is not crossed again. Since it is compared from a place where the grammar
 * allows the same on both sides, the same bytes mean the same.
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
  private static final String[] TYPES = {"MODIFIED", "ADDED", "DELETED", "BOOKMARK", "ERROR"};
  private static final byte[][] TYPE_BYTES =
      Arrays.stream(TYPES).map(ObjectScanner::ascii).toArray(byte[][]::new);

  // Whose members are being crossed.
  private static final int FRAME = 0;
  private static final int OBJECT = 1;
  private static final int METADATA = 2;

  /** Where nothing that is shorter is compared. */
  private static final int WORTH_COMPARING = 64;

  private final @Nullable Known known;
  private byte[] bytes = new byte[0];

  // The frame.
  private int typeStart;
  private int typeEnd;
  private @Nullable String type;
  private boolean objectSeen;
  private boolean bareStatus;

  // The object. Where a value starts and ends is with its quotes; 0 and 0 if there is none.
  private int objectStart;
  private int objectEnd;
  private boolean kindSeen;
  private boolean apiVersionSeen;
  private boolean status;
  private boolean metadataSeen;
  private int namespaceStart;
  private int namespaceEnd;
  private int nameStart;
  private int nameEnd;
  private int uidStart;
  private int uidEnd;
  private int versionStart;
  private int versionEnd;
  private String namespace = "";
  private String name = "";
  private @Nullable String uid = "";
  private boolean canonicalUid;
  private long uidHigh;
  private long uidLow;
  private String resourceVersion = "";
  private long generation;
  private boolean deleting;
  private int labelsStart;
  private int labelsEnd;
  private int annotationsStart;
  private int annotationsEnd;
  private int managedStart;
  private int managedEnd;

  // Behind the metadata, if nothing that is looked at follows, and the comma before what is last.
  private int tailStart;
  private int lastStart;

  /** Whether the texts of namespace and name have been made. */
  private boolean named;

  // The namespace that was found last, which most neighbours share.
  private byte[] lastNamespaceBytes = new byte[0];
  private String lastNamespace = "";

  /** What was scanned before, and is kept. */
  public interface Known {
    /** The latest state of an object; null if there is none. */
    @Nullable Earlier earlier(String namespace, String name);
  }

  /** An earlier state of an object, of which the end stands as it was scanned. */
  public interface Earlier {
    /** The object; null if that is not at hand. */
    byte @Nullable [] bytes();

    /** How many of its last bytes stand behind the metadata: {@link #tailLength()}. */
    int tailLength();

    /** How many of these are the last member, with its comma: {@link #lastLength()}. */
    int lastLength();
  }

  /** A scanner that knows nothing of earlier states. */
  public ObjectScanner() {
    this(null);
  }

  /** A scanner that need not cross again what is as it was. */
  public ObjectScanner(@Nullable Known known) {
    this.known = known;
  }

  /**
   * Scans a frame of a watch: {@code {"type": ..., "object": {...}}}. A bare {@code Status} in
   * place of a frame, as some proxies and servers send, is taken for an ERROR event.
   *
   * @throws MalformedJsonException if it is neither
   */
  public void scanFrame(byte[] b, int start, int end) throws MalformedJsonException {
    reset(b);
    type = null;
    typeStart = typeEnd = 0;
    objectSeen = false;
    bareStatus = false;
    int open = expect(b, start, end, '{');
    int p = skipSpace(b, open, end);
    if (p < end && b[p] == '}') {
      throw new MalformedJsonException("an event without type and object");
    }
    p = members(b, open - 1, end, FRAME);
    noMore(b, p, end);
    if (typeEnd > 0) {
      type = type(b, typeStart, typeEnd);
    }
    if (objectSeen && type != null) {
      texts(b);
      return;
    }
    if (bareStatus && !objectSeen) {
      type = "ERROR";
      objectStart = open - 1;
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
    expect(b, p, end, '{');
    noMore(b, members(b, p, end, OBJECT), end);
    texts(b);
  }

  /**
   * Scans the object that begins at {@code start}, whatever follows it.
   *
   * @return the position behind it
   * @throws MalformedJsonException if there is none, or none that ends before {@code end}
   */
  public int scanLeading(byte[] b, int start, int end) throws MalformedJsonException {
    reset(b);
    int behind = members(b, expect(b, start, end, '{') - 1, end, OBJECT);
    texts(b);
    return behind;
  }

  private void reset(byte[] b) {
    bytes = b;
    resetObject(0);
  }

  private void resetObject(int start) {
    objectStart = start;
    tailStart = 0;
    kindSeen = false;
    apiVersionSeen = false;
    status = false;
    resetMetadata();
    metadataSeen = false;
  }

  private void resetMetadata() {
    metadataSeen = true;
    namespaceStart = namespaceEnd = 0;
    nameStart = nameEnd = 0;
    uidStart = uidEnd = 0;
    versionStart = versionEnd = 0;
    named = false;
    namespace = "";
    name = "";
    uid = "";
    canonicalUid = false;
    resourceVersion = "";
    generation = 0;
    deleting = false;
    labelsStart = labelsEnd = 0;
    annotationsStart = annotationsEnd = 0;
    managedStart = managedEnd = 0;
  }

  /**
   * Crosses the frame or object whose brace opens at {@code start}, and what is looked at of it.
   *
   * @param outermost {@link #FRAME} or {@link #OBJECT}: what it is
   * @return the position behind its closing brace
   */
  private int members(byte[] b, int start, int end, int outermost) throws MalformedJsonException {
    int level = outermost;
    if (level == OBJECT) {
      resetObject(start);
    }
    int comma = -1; // the one before the present member of metadata
    int p = skipSpace(b, start + 1, end);
    boolean empty = p < end && b[p] == '}';
    while (true) {
      int keyStart = 0;
      int valueEnd = 0;
      boolean managed = false;
      if (!empty) {
        keyStart = openKey(b, p, end);
        int keyEnd = endOfString(b, keyStart, end);
        int value = skipSpace(b, expect(b, keyEnd + 1, end, ':'), end);
        Member member = member(b, keyStart, keyEnd);
        boolean object = value < end && b[value] == '{';
        if (level == FRAME && member == Member.OBJECT && object
            || level == OBJECT && member == Member.METADATA && object) {
          if (level == FRAME) {
            level = OBJECT;
            resetObject(value);
          } else {
            level = METADATA;
            resetMetadata();
            comma = -1;
          }
          p = skipSpace(b, value + 1, end);
          empty = p < end && b[p] == '}';
          continue;
        }
        valueEnd = skipValue(b, value, end);
        p = skipSpace(b, valueEnd, end);
        managed = level == METADATA && member == Member.MANAGED_FIELDS;
        if (member != Member.OTHER) {
          note(level, member, b, value, valueEnd);
        }
      }
      int after = empty ? -1 : afterMember(b, p, end);
      if (managed) {
        // Cut with the comma behind it, or as the last member with the one before it.
        managedStart = after < 0 && comma >= 0 ? comma : keyStart - 1;
        managedEnd = after < 0 ? valueEnd : p + 1;
      }
      while (after < 0) {
        p++;
        if (level == OBJECT) {
          objectEnd = p;
          objectSeen = true;
        }
        if (level-- == outermost) {
          return p;
        }
        if (level == OBJECT) {
          tailStart = p;
          lastStart = p;
          if (known != null) {
            p = unchanged(known, b, p, end);
          }
        }
        p = skipSpace(b, p, end);
        after = afterMember(b, p, end);
      }
      if (level == OBJECT) {
        lastStart = p;
      }
      comma = p;
      p = after;
      empty = false;
    }
  }

  /**
   * Crosses what stands behind the metadata and is as it was before.
   *
   * @return the position of the comma before the last member, or of the object's closing brace, if
   *     all before that is the same; else {@code p}
   */
  private int unchanged(Known known, byte[] b, int p, int end) {
    try {
      names(b);
    } catch (MalformedJsonException e) {
      return p; // which does not matter if there are other metadata behind
    }
    Earlier earlier = known.earlier(namespace, name);
    byte[] before = earlier == null ? null : earlier.bytes();
    if (earlier == null || before == null || earlier.tailLength() < WORTH_COMPARING) {
      return p;
    }
    int length = earlier.tailLength();
    int from = before.length - length;
    int compared = Math.min(length, end - p);
    int differs = Arrays.mismatch(b, p, p + compared, before, from, from + compared);
    if (differs < 0 && compared == length) {
      lastStart = p + length - earlier.lastLength();
      return p + length - 1;
    }
    int last = length - earlier.lastLength();
    return last < (differs < 0 ? compared : differs) ? p + last : p;
  }

  /** Notes a value that is looked at and has been crossed. */
  private void note(int level, Member member, byte[] b, int start, int end)
      throws MalformedJsonException {
    boolean string = b[start] == '"';
    switch (level) {
      case FRAME -> {
        switch (member) {
          case TYPE -> {
            typeStart = start;
            typeEnd = end;
          }
          case KIND -> bareStatus = isString(b, start, end, STATUS);
          default -> {}
        }
      }
      case OBJECT -> {
        switch (member) {
          case METADATA -> {
            resetMetadata();
            tailStart = 0;
          }
          case KIND -> {
            tailStart = 0;
            kindSeen = true;
            status = isString(b, start, end, STATUS);
          }
          case API_VERSION -> {
            tailStart = 0;
            apiVersionSeen = true;
          }
          default -> {}
        }
      }
      default -> {
        switch (member) {
          case NAME -> {
            nameStart = start;
            nameEnd = string ? end : start;
          }
          case NAMESPACE -> {
            namespaceStart = start;
            namespaceEnd = string ? end : start;
          }
          case UID -> {
            uidStart = start;
            uidEnd = string ? end : start;
          }
          case RESOURCE_VERSION -> {
            versionStart = start;
            versionEnd = string ? end : start;
          }
          case GENERATION -> generation = integer(b, start, end);
          case DELETION_TIMESTAMP -> deleting = string;
          case LABELS -> {
            labelsStart = start;
            labelsEnd = end;
          }
          case ANNOTATIONS -> {
            annotationsStart = start;
            annotationsEnd = end;
          }
          default -> {}
        }
      }
    }
  }

  /** Makes texts of what was found; of a uid only if it is not in the form that servers give. */
  private void texts(byte[] b) throws MalformedJsonException {
    names(b);
    resourceVersion = text(b, versionStart, versionEnd);
    canonicalUid = uidEnd - uidStart == Uids.LENGTH + 2 && Uids.canonical(b, uidStart + 1);
    if (canonicalUid) {
      uidHigh = Uids.high(b, uidStart + 1);
      uidLow = Uids.low(b, uidStart + 1);
      uid = null;
    } else {
      uid = text(b, uidStart, uidEnd);
    }
  }

  private void names(byte[] b) throws MalformedJsonException {
    if (named) {
      return;
    }
    name = text(b, nameStart, nameEnd);
    int length = namespaceEnd - namespaceStart;
    if (length == lastNamespaceBytes.length
        && Arrays.equals(b, namespaceStart, namespaceEnd, lastNamespaceBytes, 0, length)) {
      namespace = lastNamespace;
    } else {
      namespace = text(b, namespaceStart, namespaceEnd);
      lastNamespaceBytes = Arrays.copyOfRange(b, namespaceStart, namespaceEnd);
      lastNamespace = namespace;
    }
    named = true;
  }

  /** The text of a string with its quotes; "" if there is none. */
  private static String text(byte[] b, int start, int end) throws MalformedJsonException {
    return end - start < 2 ? "" : Tokens.text(b, start + 1, end - 1);
  }

  private static String type(byte[] b, int start, int end) throws MalformedJsonException {
    if (b[start] != '"') {
      return "";
    }
    for (int i = 0; i < TYPES.length; i++) {
      byte[] known = TYPE_BYTES[i];
      if (Arrays.equals(b, start + 1, end - 1, known, 0, known.length)) {
        return TYPES[i];
      }
    }
    return text(b, start, end);
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
    String text = uid;
    if (text == null) {
      text = new UUID(uidHigh, uidLow).toString();
      uid = text;
    }
    return text;
  }

  /** Whether the uid is a UUID in canonical form: then it is these two numbers. */
  public boolean isUidCanonical() {
    return canonicalUid;
  }

  /** The first half of a canonical uid. */
  public long uidHigh() {
    return uidHigh;
  }

  /** The second half of a canonical uid. */
  public long uidLow() {
    return uidLow;
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

  /** How many of the object's last bytes stand behind its metadata; 0 if that is of no use. */
  public int tailLength() {
    return tailStart == 0 ? 0 : objectEnd - tailStart;
  }

  /** How many of these are the last member with the comma before it, and the closing brace. */
  public int lastLength() {
    return tailStart == 0 ? 0 : objectEnd - lastStart;
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
