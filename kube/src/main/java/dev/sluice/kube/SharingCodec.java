package dev.sluice.kube;

import java.io.IOException;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** A codec whose values may be given to several readers. */
record SharingCodec<T>(Codec<T> codec, UnaryOperator<T> copy) implements Codec<T> {
  SharingCodec {
    Objects.requireNonNull(codec, "codec");
    Objects.requireNonNull(copy, "copy");
  }

  @Override
  public T decode(byte[] json) throws IOException {
    return codec.decode(json);
  }

  @Override
  public T read(Resource resource) {
    return codec.read(resource);
  }

  @Override
  public Optional<UnaryOperator<T>> sharing() {
    return Optional.of(copy);
  }
}
