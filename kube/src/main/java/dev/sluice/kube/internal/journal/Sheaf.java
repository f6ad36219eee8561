package dev.sluice.kube.internal.journal;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Incarnation;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/**
 * Objects as a snapshot holds them: what is known of each of some hundreds pressed together, and
 * apart from that their bodies, in chunks of about ten. A start reads the first; a chunk is
 * unpressed when somebody looks at a body in it, and written again as it is if nobody did.
 */
final class Sheaf {
  /** A chunk is full with so many bytes. */
  private static final int CHUNK = 32 << 10;

  /** A sheaf is full with so many bytes of bodies. */
  private static final int FULL = 4 << 20;

  private static final byte[] NOTHING = new byte[0];

  private final Bytes heads = new Bytes(256 << 10);
  private final Bytes chunk = new Bytes(2 * CHUNK);
  private final Bytes chunks = new Bytes(1 << 20);
  private final Deflater deflater;
  private final byte[] scratch;
  private int objects;
  private int inChunk;
  private int bodies;

  /** An empty one. */
  Sheaf(Deflater deflater, byte[] scratch) {
    this.deflater = deflater;
    this.scratch = scratch;
  }

  boolean isEmpty() {
    return objects == 0;
  }

  boolean isFull() {
    return bodies >= FULL;
  }

  /** An object. */
  void add(Item.Put put) {
    byte[] body = put.json();
    head(put, body.length);
    chunk.raw(body, 0, body.length);
    inChunk++;
    if (chunk.end() >= CHUNK) {
      closeChunk();
    }
  }

  /**
   * All objects of a chunk that is still as it was read, if they come next and in their order.
   *
   * @param head an entry as an item; of its body nothing is wanted
   * @return how many they are; 0 if there is no such chunk here, and then nothing was added
   */
  int addWhole(Entry[] entries, int from, Function<Entry, Item.Put> head) {
    if (!(entries[from].elsewhere() instanceof Slice first) || first.offset() != 0) {
      return 0;
    }
    List<Slice> slices = new ArrayList<>();
    int offset = 0;
    while (offset < first.chunk().length) {
      int at = from + slices.size();
      if (at == entries.length
          || !(entries[at].elsewhere() instanceof Slice slice)
          || slice.chunk() != first.chunk()
          || slice.offset() != offset) {
        return 0;
      }
      slices.add(slice);
      offset += slice.length();
    }
    closeChunk();
    for (int i = 0; i < slices.size(); i++) {
      head(head.apply(entries[from + i]), slices.get(i).length());
    }
    Slice.Chunk whole = first.chunk();
    chunks.u32(slices.size());
    chunks.u32(offset);
    chunks.u32(whole.size);
    chunks.raw(whole.sheaf, whole.at, whole.size);
    bodies += offset;
    return slices.size();
  }

  private void head(Item.Put put, int length) {
    heads.text(put.key().namespace());
    heads.text(put.key().name());
    heads.text(put.uid());
    heads.text(put.version());
    heads.u64(put.generation());
    heads.u8((put.deleting() ? 1 : 0) | (put.withheld() ? 2 : 0));
    heads.u32(length);
    objects++;
  }

  private void closeChunk() {
    if (inChunk > 0) {
      chunks.u32(inChunk);
      chunks.u32(chunk.end());
      int length = chunks.end();
      chunks.u32(0);
      chunks.set32(length, Format.press(chunks, chunk.array(), chunk.end(), deflater, scratch));
      bodies += chunk.end();
      chunk.clear();
      inChunk = 0;
    }
  }

  /** Writes it as a frame, and begins anew. Returns how many objects that were. */
  int write(Bytes out, long number) {
    closeChunk();
    int frame = Format.open(out, number, Format.SHEAF);
    out.u32(objects);
    out.u32(heads.end());
    int length = out.end();
    out.u32(0);
    out.set32(length, Format.press(out, heads.array(), heads.end(), deflater, scratch));
    out.raw(chunks.array(), 0, chunks.end());
    Format.close(out, frame);
    int written = objects;
    objects = 0;
    bodies = 0;
    heads.clear();
    chunks.clear();
    return written;
  }

  /** How many objects are in one. */
  static int count(Bytes content) {
    return content.u32();
  }

  /**
   * Reads one. Its bytes are the callee's from now on.
   *
   * @throws IndexOutOfBoundsException if it is damaged
   */
  static Item.Put[] read(Bytes content, Slice.Shelf shelf) {
    int count = content.u32();
    int length = content.u32();
    int pressed = content.u32();
    if (count < 0 || length < 0 || length > 1 << 30) {
      throw new IndexOutOfBoundsException("a sheaf of " + count + " objects");
    }
    Bytes heads = new Bytes(unpressed(content, pressed, length), 0, length);
    content.skip(pressed);
    Item.Put[] puts = new Item.Put[count];
    String namespace = "";
    int next = 0;
    while (content.remaining() > 0) {
      int objects = content.u32();
      int bodies = content.u32();
      int size = content.u32();
      int start = content.at();
      content.skip(size);
      Slice.Chunk chunk = new Slice.Chunk(content.array(), start, size, bodies, shelf);
      int offset = 0;
      for (int i = 0; i < objects; i++) {
        String in = heads.text();
        namespace = in.equals(namespace) ? namespace : in;
        ObjectKey key = new ObjectKey(namespace, heads.text());
        String uid = heads.text();
        String version = heads.text();
        long generation = heads.u64();
        int flags = heads.u8();
        int body = heads.u32();
        // Here, where there are several threads: whoever puts them together has one.
        var unused = key.hashCode();
        puts[next++] =
            new Item.Put(
                key,
                uid,
                version,
                generation,
                (flags & 1) != 0,
                (flags & 2) != 0,
                NOTHING,
                new Slice(chunk, offset, body),
                new Incarnation(uid));
        offset += body;
      }
      if (offset != bodies) {
        throw new IndexOutOfBoundsException("bodies of " + offset + " bytes in " + bodies);
      }
    }
    if (next != count || heads.remaining() != 0) {
      throw new IndexOutOfBoundsException(next + " objects of " + count);
    }
    return puts;
  }

  private static byte[] unpressed(Bytes content, int pressed, int length) {
    java.util.Objects.checkFromIndexSize(content.at(), pressed, content.end());
    byte[] bytes = new byte[length];
    Inflater inflater = new Inflater(true);
    try {
      inflater.setInput(content.array(), content.at(), pressed);
      int done = 0;
      while (done < length) {
        int more = inflater.inflate(bytes, done, length - done);
        if (more == 0) {
          throw new IndexOutOfBoundsException("too short");
        }
        done += more;
      }
      return bytes;
    } catch (DataFormatException e) {
      throw new IndexOutOfBoundsException("not pressed");
    } finally {
      inflater.end();
    }
  }

  /** Reads several at once, on threads of its own. */
  static final class Readers implements AutoCloseable {
    private static final int MOST = 4;

    private final Slice.Shelf shelf = new Slice.Shelf();
    private final List<Future<Item.Put[]>> read = new ArrayList<>();
    private final ExecutorService threads =
        Executors.newFixedThreadPool(
            Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MOST),
            Thread.ofPlatform().daemon().name("sluice-restore-", 0).factory());

    /** Begins to read one. Its bytes are copied. */
    void add(Bytes content) {
      byte[] copy = java.util.Arrays.copyOfRange(content.array(), content.at(), content.end());
      read.add(threads.submit(() -> read(new Bytes(copy, 0, copy.length), shelf)));
    }

    /**
     * What was read since the last call, in its order.
     *
     * @throws IndexOutOfBoundsException if one is damaged
     */
    List<Item.Put[]> take() {
      List<Item.Put[]> all = new ArrayList<>(read.size());
      for (Future<Item.Put[]> one : read) {
        all.add(join(one));
      }
      read.clear();
      return all;
    }

    private static Item.Put[] join(Future<Item.Put[]> one) {
      boolean interrupted = false;
      try {
        while (true) {
          try {
            return one.get();
          } catch (InterruptedException e) {
            interrupted = true;
          } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
              throw error;
            }
            throw new IndexOutOfBoundsException(String.valueOf(e.getCause()));
          }
        }
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    @Override
    public void close() {
      threads.shutdownNow();
    }
  }
}
