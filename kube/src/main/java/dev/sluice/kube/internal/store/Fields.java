package dev.sluice.kube.internal.store;

import static dev.sluice.kube.internal.json.Tokens.endOfString;
import static dev.sluice.kube.internal.json.Tokens.skipSpace;
import static dev.sluice.kube.internal.json.Tokens.skipValue;

import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.Tokens;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the fields of an object by their paths, and cuts them out, in one pass over its bytes and
 * without decoding it. A path goes through lists: it leads into each of their elements. Of a
 * repeated name the last one counts.
 */
public final class Fields {
  private Fields() {}

  /** Paths, put together: a name of the tree is followed by those that may come next. */
  public static final class Tree {
    private final List<byte[]> names = new ArrayList<>();
    private final List<Tree> children = new ArrayList<>();
    private boolean end;

    /** Adds a path. */
    public void add(byte[][] path) {
      Tree at = this;
      for (byte[] name : path) {
        Tree next = at.child(name, 0, name.length);
        if (next == null) {
          next = new Tree();
          at.names.add(name);
          at.children.add(next);
        }
        at = next;
      }
      at.end = true;
    }

    /** Whether a path leads to this one or above it. */
    public boolean covers(byte[][] path) {
      Tree at = this;
      for (byte[] name : path) {
        at = at.child(name, 0, name.length);
        if (at == null || at.end) {
          return at != null;
        }
      }
      return false;
    }

    /** Whether a path leads to this one, above it or below it. */
    public boolean touches(byte[][] path) {
      Tree at = this;
      for (byte[] name : path) {
        at = at.child(name, 0, name.length);
        if (at == null || at.end) {
          return at != null;
        }
      }
      return true;
    }

    private @Nullable Tree child(byte[] b, int from, int to) {
      for (int i = 0; i < names.size(); i++) {
        try {
          if (named(b, from, to, names.get(i))) {
            return children.get(i);
          }
        } catch (MalformedJsonException e) {
          // A name that cannot be read is none of these.
        }
      }
      return null;
    }
  }

  /**
   * Takes a path apart.
   *
   * @param path names joined by dots; a dot within a name is {@code \.}, a backslash {@code \\}
   * @throws IllegalArgumentException if a name is empty, or an escape is none
   */
  public static byte[][] path(String path) {
    List<byte[]> names = new ArrayList<>();
    StringBuilder name = new StringBuilder();
    for (int i = 0; i <= path.length(); i++) {
      char c = i < path.length() ? path.charAt(i) : '.';
      if (c == '\\') {
        i++;
        if (i == path.length() || path.charAt(i) != '.' && path.charAt(i) != '\\') {
          throw new IllegalArgumentException(
              "the path '" + path + "' has a backslash before neither a dot nor a backslash");
        }
        name.append(path.charAt(i));
      } else if (c == '.') {
        if (name.isEmpty()) {
          throw new IllegalArgumentException(
              "the path '" + path + "' has an empty name; a path is as in 'spec.replicas'");
        }
        names.add(name.toString().getBytes(StandardCharsets.UTF_8));
        name.setLength(0);
      } else {
        name.append(c);
      }
    }
    return names.toArray(byte[][]::new);
  }

  /**
   * The texts, numbers and truth values at a path, as text.
   *
   * @throws IllegalStateException if this is no object in JSON
   */
  public static List<String> values(byte[] json, byte[][] path) {
    List<String> found = new ArrayList<>(2);
    try {
      collect(json, skipSpace(json, 0, json.length), path, 0, found);
    } catch (MalformedJsonException e) {
      throw new IllegalStateException("no object in JSON: " + e.getMessage(), e);
    }
    return found;
  }

  private static int collect(byte[] b, int p, byte[][] path, int depth, List<String> found)
      throws MalformedJsonException {
    int end = b.length;
    byte c = at(b, p);
    if (c == '[') {
      p = skipSpace(b, p + 1, end);
      if (at(b, p) == ']') {
        return p + 1;
      }
      while (true) {
        p = skipSpace(b, collect(b, p, path, depth, found), end);
        if (at(b, p) == ']') {
          return p + 1;
        }
        p = skipSpace(b, after(b, p, ','), end);
      }
    }
    if (depth == path.length) {
      int q = skipValue(b, p, end);
      if (c == '"') {
        found.add(Tokens.text(b, p + 1, q - 1));
      } else if (c != '{' && c != 'n') {
        found.add(new String(b, p, q - p, StandardCharsets.US_ASCII));
      }
      return q;
    }
    if (c != '{') {
      return skipValue(b, p, end);
    }
    p = skipSpace(b, p + 1, end);
    if (at(b, p) == '}') {
      return p + 1;
    }
    int before = -1;
    while (true) {
      int name = after(b, p, '"');
      int close = endOfString(b, name, end);
      p = value(b, close + 1);
      if (named(b, name, close, path[depth])) {
        if (before < 0) {
          before = found.size();
        } else {
          found.subList(before, found.size()).clear();
        }
        p = collect(b, p, path, depth + 1, found);
      } else {
        p = skipValue(b, p, end);
      }
      p = skipSpace(b, p, end);
      if (at(b, p) == '}') {
        return p + 1;
      }
      p = skipSpace(b, after(b, p, ','), end);
    }
  }

  /**
   * An object with only the parts of a tree, or without them.
   *
   * @param keep whether the tree says what is kept, or else what is left out
   * @return a new array
   * @throws IllegalStateException if this is no object in JSON
   */
  public static byte[] cut(byte[] json, Tree tree, boolean keep) {
    Cut cut = new Cut(json, keep);
    try {
      cut.value(skipSpace(json, 0, json.length), tree);
    } catch (MalformedJsonException e) {
      throw new IllegalStateException("no object in JSON: " + e.getMessage(), e);
    }
    return java.util.Arrays.copyOf(cut.out, cut.length);
  }

  /** What is written when parts are left out. */
  private static final class Cut {
    private final byte[] b;
    private final boolean keep;
    private final byte[] out;
    private int length;

    Cut(byte[] json, boolean keep) {
      this.b = json;
      this.keep = keep;
      this.out = new byte[json.length];
    }

    private void write(int from, int to) {
      System.arraycopy(b, from, out, length, to - from);
      length += to - from;
    }

    private void write(char c) {
      out[length++] = (byte) c;
    }

    /** Writes the parts of an object or a list; the position after it. */
    int value(int p, Tree tree) throws MalformedJsonException {
      return at(b, p) == '{' ? object(p, tree) : list(p, tree);
    }

    private int object(int p, Tree tree) throws MalformedJsonException {
      int end = b.length;
      write('{');
      boolean first = true;
      p = skipSpace(b, p + 1, end);
      while (at(b, p) != '}') {
        int member = p;
        int close = endOfString(b, after(b, p, '"'), end);
        p = Fields.value(b, close + 1);
        Tree child = tree.child(b, member + 1, close);
        if (child != null && !child.end && isContainer(p)) {
          comma(first);
          first = false;
          write(member, p);
          p = value(p, child);
        } else {
          int from = p;
          p = skipValue(b, from, end);
          if (keep ? child != null && child.end : child == null || !child.end) {
            comma(first);
            first = false;
            write(member, p);
          }
        }
        p = next(p, '}');
      }
      write('}');
      return p + 1;
    }

    private int list(int p, Tree tree) throws MalformedJsonException {
      int end = b.length;
      write('[');
      boolean first = true;
      p = skipSpace(b, p + 1, end);
      while (at(b, p) != ']') {
        if (isContainer(p)) {
          comma(first);
          first = false;
          p = value(p, tree);
        } else {
          int from = p;
          p = skipValue(b, from, end);
          if (!keep) {
            comma(first);
            first = false;
            write(from, p);
          }
        }
        p = next(p, ']');
      }
      write(']');
      return p + 1;
    }

    private boolean isContainer(int p) throws MalformedJsonException {
      byte c = at(b, p);
      return c == '{' || c == '[';
    }

    private void comma(boolean first) {
      if (!first) {
        write(',');
      }
    }

    /** The next member or element, or the closing bracket. */
    private int next(int p, char close) throws MalformedJsonException {
      p = skipSpace(b, p, b.length);
      return at(b, p) == close ? p : skipSpace(b, after(b, p, ','), b.length);
    }
  }

  /** Whether the string at {@code [from, to)} is this name, also if it is written with escapes. */
  private static boolean named(byte[] b, int from, int to, byte[] name)
      throws MalformedJsonException {
    if (Tokens.is(b, from, to, name)) {
      return true;
    }
    for (byte c : name) {
      if (c < 0) {
        return Tokens.text(b, from, to).equals(new String(name, StandardCharsets.UTF_8));
      }
    }
    return false;
  }

  private static byte at(byte[] b, int p) throws MalformedJsonException {
    if (p >= b.length) {
      throw new MalformedJsonException("cut at byte " + p);
    }
    return b[p];
  }

  private static int after(byte[] b, int p, char wanted) throws MalformedJsonException {
    if (at(b, p) != wanted) {
      throw new MalformedJsonException("expected '" + wanted + "' at byte " + p);
    }
    return p + 1;
  }

  /** The position of the value after a name that ends before {@code p}. */
  private static int value(byte[] b, int p) throws MalformedJsonException {
    return skipSpace(b, after(b, skipSpace(b, p, b.length), ':'), b.length);
  }
}
