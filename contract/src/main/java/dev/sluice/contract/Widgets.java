package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** The kind that the suite brings along, {@code widgets.json}. */
final class Widgets {
  private Widgets() {}

  static void create(Target target) {
    try (Api api = new Api(target, "widgets");
        InputStream definition =
            Objects.requireNonNull(Widgets.class.getResourceAsStream("widgets.json"))) {
      // Left by an earlier run on a server that stayed: as good.
      assertThat(api.post(Api.CRDS, new String(definition.readAllBytes(), StandardCharsets.UTF_8)))
          .matches(answer -> answer.code() == 201 || answer.code() == 409);
      api.awaitServed("/apis/contract.sluice.dev/v1/widgets");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
