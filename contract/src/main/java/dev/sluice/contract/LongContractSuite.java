package dev.sluice.contract;

import dev.sluice.contract.cases.LongCases;
import org.junit.jupiter.api.Nested;

/** The cases that take an hour. Used as {@link ContractSuite} is. */
public abstract class LongContractSuite {

  @Nested
  class Lasting extends LongCases {}
}
