package dev.sluice.kube.internal.journal;

import dev.sluice.kube.JournalException;
import dev.sluice.kube.JournalKeys;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import org.jspecify.annotations.Nullable;

/**
 * Encrypts frames and opens them again: AES in Galois/counter mode (NIST SP 800-38D), with a random
 * nonce of 96 bits each time. What is bound to a frame besides its content is which stream, which
 * file and which place it belongs to, so that none can be put in another's place. Safe for use by
 * any thread.
 */
final class Seal {
  private static final int NONCE = 12;
  private static final int TAG_BITS = 128;
  private static final String CIPHER = "AES/GCM/NoPadding";

  private final @Nullable JournalKeys keys;
  private final SecureRandom random = new SecureRandom();
  private final Set<String> met = new ConcurrentSkipListSet<>();

  Seal(@Nullable JournalKeys keys) {
    this.keys = keys;
  }

  /** Whether what is written is to be sealed. */
  boolean seals() {
    return keys != null;
  }

  /** The names of the keys that were met in reading. */
  Set<String> met() {
    return met;
  }

  /**
   * Puts frames into one.
   *
   * @param number of the first of them
   */
  void seal(Bytes out, Format.Header file, long number, byte[] frames, int start, int length) {
    JournalKeys with = keys;
    if (with == null) {
      throw new IllegalStateException("there is no key to seal with");
    }
    String id = with.current();
    byte[] nonce = new byte[NONCE];
    random.nextBytes(nonce);
    int frame = Format.open(out, number, Format.SEALED);
    out.text(id);
    out.raw(nonce, 0, NONCE);
    try {
      Cipher cipher = cipher(Cipher.ENCRYPT_MODE, with.key(id).orElseThrow(), nonce, file, number);
      byte[] sealed = cipher.doFinal(frames, start, length);
      out.raw(sealed, 0, sealed.length);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot encrypt with the key '" + id + "'", e);
    }
    Format.close(out, frame);
  }

  /**
   * The frames in one; null if it is not well-formed.
   *
   * @throws JournalException if the key is not there, or is another one than it was sealed with
   */
  @Nullable Bytes open(Format.Header file, long number, Bytes content) {
    String id;
    byte[] nonce;
    try {
      id = content.text();
      nonce = java.util.Arrays.copyOfRange(content.array(), content.at(), content.at() + NONCE);
      content.skip(NONCE);
    } catch (IndexOutOfBoundsException e) {
      return null;
    }
    met.add(id);
    JournalKeys with = keys;
    SecretKey key = with == null ? null : with.key(id).orElse(null);
    if (key == null) {
      throw new JournalException(
          "the journal is encrypted with the key '"
              + id
              + "', which "
              + (with == null ? "is not given" : "is not among those given, " + with.ids())
              + ": give it, too, or remove the journal's directory, which costs one list and one"
              + " reconcile of each object");
    }
    try {
      byte[] frames =
          cipher(Cipher.DECRYPT_MODE, key, nonce, file, number)
              .doFinal(content.array(), content.at(), content.remaining());
      return new Bytes(frames, 0, frames.length);
    } catch (AEADBadTagException e) {
      throw new JournalException(
          "what the journal has encrypted with a key '"
              + id
              + "' does not open with the key of that name that is given: it is another one, or"
              + " somebody has changed the files");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot decrypt with the key '" + id + "'", e);
    }
  }

  private static Cipher cipher(
      int mode, SecretKey key, byte[] nonce, Format.Header file, long number)
      throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance(CIPHER);
    cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
    Bytes place = new Bytes(32);
    place.u64(file.identity());
    place.u64(file.number());
    place.u8(file.sort().ordinal());
    place.u64(number);
    cipher.updateAAD(place.array(), 0, place.end());
    return cipher;
  }
}
