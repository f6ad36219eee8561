package dev.sluice.kube.internal.journal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;

/**
 * A piece of bytes that grows at its end and is read from its beginning. Numbers are big-endian.
 */
final class Bytes {
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private byte[] bytes;
  private int at;
  private int end;

  /** Empty, with some room. */
  Bytes(int room) {
    this.bytes = new byte[room];
  }

  /** Part of an array, to be read. */
  Bytes(byte[] bytes, int start, int end) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  byte[] array() {
    return bytes;
  }

  int end() {
    return end;
  }

  int at() {
    return at;
  }

  int remaining() {
    return end - at;
  }

  void clear() {
    at = 0;
    end = 0;
  }

  private int room(int count) {
    if (bytes.length - end < count) {
      bytes = Arrays.copyOf(bytes, Math.max(Math.addExact(end, count), bytes.length * 2));
    }
    int here = end;
    end += count;
    return here;
  }

  void u8(int value) {
    int here = room(1);
    bytes[here] = (byte) value;
  }

  void u32(int value) {
    int here = room(4);
    INT.set(bytes, here, value);
  }

  void u64(long value) {
    int here = room(8);
    LONG.set(bytes, here, value);
  }

  void set32(int here, int value) {
    INT.set(bytes, here, value);
  }

  void raw(byte[] value, int start, int length) {
    int here = room(length);
    System.arraycopy(value, start, bytes, here, length);
  }

  /** Bytes with their number. */
  void block(byte[] value) {
    u32(value.length);
    raw(value, 0, value.length);
  }

  /** A text of fewer than 4 Gi bytes in UTF-8, with their number. */
  void text(String value) {
    block(value.getBytes(StandardCharsets.UTF_8));
  }

  private int take(int count) {
    Objects.checkFromIndexSize(at, count, end);
    int here = at;
    at += count;
    return here;
  }

  int u8() {
    return bytes[take(1)] & 0xff;
  }

  int u32() {
    return (int) INT.get(bytes, take(4));
  }

  long u64() {
    return (long) LONG.get(bytes, take(8));
  }

  byte[] block() {
    int length = u32();
    int here = take(length);
    return Arrays.copyOfRange(bytes, here, here + length);
  }

  String text() {
    int length = u32();
    int here = take(length);
    return new String(bytes, here, length, StandardCharsets.UTF_8);
  }

  void skip(int count) {
    take(count);
  }
}
