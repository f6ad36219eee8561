package dev.sluice.testkit.internal.api;

/** Who may do what. */
public interface Access {
  /**
   * Lets a request pass.
   *
   * @throws StatusException 403 if its user may not do what it asks
   */
  void authorize(ApiRequest request);
}
