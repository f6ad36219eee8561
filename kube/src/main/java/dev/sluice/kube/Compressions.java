package dev.sluice.kube;

import java.util.Iterator;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/**
 * The compression that is among the libraries, looked for once.
 *
 * @param found null if there is none, or it cannot be used
 * @param whyNot why not
 */
record Compressions(@Nullable Compression found, String whyNot) {
  private static final System.Logger LOG = System.getLogger("dev.sluice.kube.Store");
  private static final String NONE = "no compression among the libraries, such as sluice-zstd";

  /** A loader that meets a bad candidate need not get past it. */
  private static final int MOST_ATTEMPTS = 8;

  private static final class Present {
    static final Compressions INSTANCE =
        of(ServiceLoader.load(Compression.class, Compression.class.getClassLoader()));
  }

  /** What there is. */
  static Compressions present() {
    return Present.INSTANCE;
  }

  /** The first that can be used. */
  static Compressions of(Iterable<Compression> candidates) {
    String whyNot = NONE;
    Iterator<Compression> each = candidates.iterator();
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      try {
        return each.hasNext() ? new Compressions(each.next(), "") : new Compressions(null, whyNot);
      } catch (ServiceConfigurationError | LinkageError e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        whyNot = cause.toString();
        LOG.log(
            System.Logger.Level.WARNING,
            "a compression cannot be used, objects are kept as they come: " + whyNot);
      }
    }
    return new Compressions(null, whyNot);
  }
}
