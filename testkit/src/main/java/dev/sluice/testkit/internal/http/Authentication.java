package dev.sluice.testkit.internal.http;

import org.jspecify.annotations.Nullable;

/** Who a request comes from. Safe for any thread. */
public interface Authentication {
  /**
   * The user of a bearer token.
   *
   * @param token null if the request brings none
   * @return the user's name; null if the request is to be refused with 401
   */
  @Nullable String user(@Nullable String token);
}
