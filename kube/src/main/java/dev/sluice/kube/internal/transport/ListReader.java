package dev.sluice.kube.internal.transport;

import dev.sluice.kube.internal.json.JsonValue;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import dev.sluice.kube.internal.json.Tokens;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a list's body into its items while it arrives: at most one item stands in memory.
 *
 * <p>The list's own members may stand before the items (built-in kinds) or behind them (custom
 * resources, sorted): {@link #resourceVersion()} and {@link #continueToken()} are known only when
 * {@link #next} has said {@link Next#END}. A body that ends before its closing brace is {@link
 * Next#CUT}: such a page must not be believed. A body that is a {@code Status} is {@link
 * Next#STATUS}.
 *
 * <p>An item longer than the limit is crossed without being kept and reported as {@link
 * Next#TOO_LONG}. Owned by one thread. The item lies in {@link #bytes()} between {@link #start()}
 * and {@link #end()} until the next call.
 */
public final class ListReader {
  private static final int HEAD = 512;

  /** What was found. */
  public enum Next {
    /** An item. */
    ITEM,
    /** An item above the limit, of which only the beginning is there. */
    TOO_LONG,
    /** The body ended too early. */
    CUT,
    /** The list ended properly. */
    END,
    /** It was no list but a refusal: {@link #status()}. */
    STATUS
  }

  private enum Place {
    START,
    BEFORE_KEY,
    FIRST_ITEM,
    AFTER_ITEM,
    DONE
  }

  private final ByteWindow window;
  private final int limit;
  private final @Nullable ObjectScanner scanner;
  private boolean scanned;
  private Place place = Place.START;
  private boolean firstKey = true;
  private int start;
  private int end;
  private long length;
  private byte @Nullable [] overlong;
  private String kind = "";
  private JsonValue metadata = new JsonValue(null);
  private boolean itemsSeen;
  private String reason = "";
  private String message = "";
  private long code;
  private long retryAfterSeconds;

  /**
   * Reads items from a body.
   *
   * @param limit how long an item may be, in bytes
   */
  public ListReader(InputStream body, int limit) {
    this(body, limit, null);
  }

  /**
   * Reads items from a body, and scans them in the same pass where they lie whole in what has
   * arrived: see {@link #scanned}.
   *
   * @param limit how long an item may be, in bytes
   */
  public ListReader(InputStream body, int limit, @Nullable ObjectScanner scanner) {
    this.window = new ByteWindow(body, limit);
    this.limit = limit;
    this.scanner = scanner;
  }

  /**
   * Finds the next item. Blocks until it has arrived whole.
   *
   * @throws IOException if the stream breaks
   * @throws MalformedJsonException if this is no list; nothing further can be read then
   */
  public Next next() throws IOException, MalformedJsonException {
    overlong = null;
    try {
      return advance();
    } catch (CutException e) {
      place = Place.DONE;
      return Next.CUT;
    }
  }

  private Next advance() throws IOException, MalformedJsonException {
    while (true) {
      window.mark = window.at;
      switch (place) {
        case START -> {
          if (peek() != '{') {
            throw malformed("a list");
          }
          window.at++;
          place = Place.BEFORE_KEY;
        }
        case BEFORE_KEY -> {
          byte c = peek();
          if (c == '}') {
            window.at++;
            place = Place.DONE;
            return finish();
          }
          if (!firstKey) {
            if (c != ',') {
              throw malformed("',' or '}'");
            }
            window.at++;
            peek();
          }
          firstKey = false;
          member();
        }
        case FIRST_ITEM, AFTER_ITEM -> {
          byte c = peek();
          if (c == ']') {
            window.at++;
            place = Place.BEFORE_KEY;
            continue;
          }
          if (place == Place.AFTER_ITEM) {
            if (c != ',') {
              throw malformed("',' or ']'");
            }
            window.at++;
            peek();
          }
          place = Place.AFTER_ITEM;
          return item();
        }
        case DONE -> throw new IllegalStateException("the list has been read to its end");
      }
    }
  }

  private Next finish() throws MalformedJsonException {
    if (kind.equals("Status") && !itemsSeen) {
      return Next.STATUS;
    }
    if (!itemsSeen && !(kind.endsWith("List"))) {
      throw new MalformedJsonException(
          "not a list but " + (kind.isEmpty() ? "an object without a kind" : "a " + kind));
    }
    return Next.END;
  }

  private void member() throws IOException, MalformedJsonException {
    if (peek() != '"') {
      throw malformed("a key");
    }
    window.mark = window.at;
    value(true);
    String key = Tokens.text(window.bytes, window.mark + 1, window.at - 1);
    if (peek() != ':') {
      throw malformed("':'");
    }
    window.at++;
    byte first = peek();
    if (key.equals("items") && (first == '[' || first == 'n')) {
      itemsSeen = true;
      if (first == '[') {
        window.at++;
        place = Place.FIRST_ITEM;
        return;
      }
    }
    window.mark = window.at;
    boolean wanted =
        switch (key) {
          case "kind", "metadata", "reason", "message", "code", "details" -> true;
          default -> false;
        };
    if (value(wanted) && wanted) {
      JsonValue value = JsonValue.parse(window.bytes, window.mark, window.at);
      switch (key) {
        case "kind" -> kind = value.text();
        case "metadata" -> metadata = value;
        case "reason" -> reason = value.text();
        case "message" -> message = value.text();
        case "code" -> code = value.number();
        default -> retryAfterSeconds = value.get("retryAfterSeconds").number();
      }
    }
  }

  private Next item() throws IOException, MalformedJsonException {
    window.mark = window.at;
    if (scan()) {
      return Next.ITEM;
    }
    long before = window.received() - (window.end - window.at);
    boolean whole = value(true);
    length = window.received() - (window.end - window.at) - before;
    if (whole && length <= limit) {
      start = window.mark;
      end = window.at;
      return Next.ITEM;
    }
    if (whole) {
      overlong = head();
    }
    start = 0;
    end = overlong == null ? 0 : overlong.length;
    return Next.TOO_LONG;
  }

  private boolean scan() {
    scanned = false;
    byte[] bytes = window.bytes;
    int last = Math.min(window.end, window.at + limit);
    if (scanner == null || window.at == last || bytes[window.at] != '{') {
      return false;
    }
    try {
      end = scanner.scanLeading(bytes, window.at, last);
    } catch (MalformedJsonException e) {
      // Not all of it is there yet, or it is damaged: looked at again byte by byte.
      return false;
    }
    start = window.at;
    length = end - start;
    window.at = end;
    scanned = true;
    return true;
  }

  /** Whether the item has been scanned already, by the scanner that was given. */
  public boolean scanned() {
    return scanned;
  }

  /** The next byte that is not white space, at {@code window.at}. */
  private byte peek() throws IOException {
    while (true) {
      while (window.at < window.end) {
        byte c = window.bytes[window.at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
          return c;
        }
        window.at++;
      }
      window.mark = window.at;
      more();
    }
  }

  private void more() throws IOException {
    if (!window.fill()) {
      throw new CutException();
    }
  }

  /**
   * Crosses a value from {@code window.at} to behind its end. It is kept from {@code window.mark}
   * on as long as it is not longer than the limit.
   *
   * @return whether it was kept whole
   */
  private boolean value(boolean keep) throws IOException, MalformedJsonException {
    boolean kept = keep;
    int depth = 0;
    boolean inString = false;
    boolean escaped = false;
    boolean scalar = false;
    while (true) {
      byte[] b = window.bytes;
      int p = window.at;
      int last = window.end;
      while (p < last) {
        if (inString) {
          if (escaped) {
            escaped = false;
            p++;
            continue;
          }
          p = Tokens.quoteOrBackslash(b, p, last);
          if (p >= last) {
            break;
          }
          if (b[p++] == '\\') {
            escaped = true;
            continue;
          }
          inString = false;
          if (depth == 0) {
            window.at = p;
            return kept;
          }
          continue;
        }
        byte c = b[p];
        if (scalar && depth == 0 && !Tokens.isScalar(c)) {
          window.at = p;
          return kept;
        }
        p++;
        switch (c) {
          case '"' -> inString = true;
          case '{', '[' -> {
            if (++depth > Tokens.MAX_DEPTH) {
              window.at = p;
              throw new MalformedJsonException(
                  "nested deeper than " + Tokens.MAX_DEPTH + " levels");
            }
          }
          case '}', ']' -> {
            if (depth == 0) {
              window.at = p - 1;
              throw malformed("a value");
            }
            if (--depth == 0) {
              window.at = p;
              return kept;
            }
          }
          default -> {
            if (depth == 0) {
              if (!Tokens.isScalar(c)) {
                window.at = p - 1;
                throw malformed("a value");
              }
              scalar = true;
            }
          }
        }
      }
      window.at = p;
      if (kept && window.full()) {
        overlong = head();
        kept = false;
      }
      if (!kept) {
        window.mark = window.at;
      }
      more();
    }
  }

  private byte[] head() {
    return Arrays.copyOfRange(window.bytes, window.mark, Math.min(window.mark + HEAD, window.end));
  }

  private MalformedJsonException malformed(String wanted) {
    long position = window.received() - (window.end - window.at);
    byte found = window.bytes[window.at];
    return new MalformedJsonException(
        "expected "
            + wanted
            + " at byte "
            + position
            + " of the body, found byte 0x"
            + Integer.toHexString(found & 0xff));
  }

  /** Where the item lies. */
  public byte[] bytes() {
    return overlong == null ? window.bytes : overlong;
  }

  /** The item's first byte. */
  public int start() {
    return start;
  }

  /** Behind the item's last byte. */
  public int end() {
    return end;
  }

  /** How long the item is, also if it was too long to be kept. */
  public long length() {
    return length;
  }

  /** The version of the collection; empty if the server gave none. Known at the end. */
  public String resourceVersion() {
    return metadata.get("resourceVersion").text();
  }

  /** Where the next page begins; empty if this was the last. Known at the end. */
  public String continueToken() {
    return metadata.get("continue").text();
  }

  /** What the server refused with, if it did. Known at the end. */
  public ServerStatus status() {
    return new ServerStatus(
        (int) code, reason, message, retryAfterSeconds, metadata.get("continue").text());
  }

  /** How many bytes of the body have been received. */
  public long received() {
    return window.received();
  }

  /** The body ended where it must not. */
  private static final class CutException extends IOException {
    private static final long serialVersionUID = 1L;
  }
}
