package dev.sluice.fabric8;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** Names whose address a test may change, as a name service does; all others as ever. */
public final class MovingNames extends InetAddressResolverProvider {
  private static final Map<String, InetAddress> NAMES = new ConcurrentHashMap<>();

  /** From now on a name means an address. */
  static void point(String name, String address) throws UnknownHostException {
    NAMES.put(name, InetAddress.getByName(address));
  }

  @Override
  public InetAddressResolver get(Configuration configuration) {
    InetAddressResolver builtin = configuration.builtinResolver();
    return new InetAddressResolver() {
      @Override
      public Stream<InetAddress> lookupByName(String host, LookupPolicy policy)
          throws UnknownHostException {
        InetAddress moving = NAMES.get(host);
        return moving == null ? builtin.lookupByName(host, policy) : Stream.of(moving);
      }

      @Override
      public String lookupByAddress(byte[] address) throws UnknownHostException {
        return builtin.lookupByAddress(address);
      }
    };
  }

  @Override
  public String name() {
    return "names that move";
  }
}
