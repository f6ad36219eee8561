package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import org.junit.jupiter.api.Test;

class CompressionsTest {
  @Test
  void saysThatThereIsNone() {
    Compressions none = Compressions.of(List.of());

    assertThat(none.found()).isNull();
    assertThat(none.whyNot()).contains("sluice-zstd");
  }

  @Test
  void takesTheFirst() {
    DeflateCompression first = new DeflateCompression();

    assertThat(Compressions.of(List.of(first, new DeflateCompression())).found()).isSameAs(first);
  }

  @Test
  void saysWhyOneCannotBeUsedAndGoesOnWithoutIt() {
    Iterable<Compression> bad =
        () ->
            new Iterator<>() {
              @Override
              public boolean hasNext() {
                return true;
              }

              @Override
              public Compression next() {
                throw new ServiceConfigurationError(
                    "Provider x could not be instantiated",
                    new IllegalStateException("no native library"));
              }
            };

    Compressions none = Compressions.of(bad);

    assertThat(none.found()).isNull();
    assertThat(none.whyNot()).contains("no native library");
  }
}
