package dev.sluice.contract;

import java.util.Objects;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The suite on the embedded server, which must answer as the recorded real one did. */
class EmbeddedContractTest extends ContractSuite {
  @RegisterExtension
  static final Contract CONTRACT =
      Contract.likeness(
          EmbeddedTarget::new,
          Objects.requireNonNull(
              EmbeddedContractTest.class.getResourceAsStream("/recorded/real.json")));
}
