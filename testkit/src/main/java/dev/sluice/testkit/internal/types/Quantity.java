package dev.sluice.testkit.internal.types;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Amounts of resources in their canonical form: {@code 1000m} is {@code 1}, {@code 1024Mi} is
 * {@code 1Gi}.
 */
public final class Quantity {
  static final String MALFORMED =
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

  private static final Pattern FORM =
      Pattern.compile("([+-]?(?:\\d+\\.?\\d*|\\.\\d+))([a-zA-Z]*)([+-]?\\d+)?");
  private static final Map<String, Integer> DECIMAL =
      Map.of("n", -9, "u", -6, "m", -3, "", 0, "k", 3, "M", 6, "G", 9, "T", 12, "P", 15, "E", 18);
  private static final Map<String, Integer> BINARY =
      Map.of("Ki", 10, "Mi", 20, "Gi", 30, "Ti", 40, "Pi", 50, "Ei", 60);

  private Quantity() {}

  static String canonical(String text) throws GoCodec.TypeException {
    Matcher form = FORM.matcher(text);
    if (!form.matches()) {
      throw new GoCodec.TypeException(MALFORMED);
    }
    BigDecimal number = new BigDecimal(form.group(1));
    String suffix = form.group(2);
    String exponent = form.group(3);
    if (BINARY.containsKey(suffix) && exponent == null) {
      return binary(number.multiply(new BigDecimal(BigInteger.TWO.pow(shift(suffix)))));
    }
    if (exponent != null && (suffix.equals("e") || suffix.equals("E"))) {
      BigDecimal value = number.scaleByPowerOfTen(Integer.parseInt(exponent));
      return exponentForm(value);
    }
    Integer power = exponent == null ? DECIMAL.get(suffix) : null;
    if (power == null) {
      throw new GoCodec.TypeException("unable to parse quantity's suffix");
    }
    return decimal(number.scaleByPowerOfTen(power));
  }

  private static int shift(String suffix) {
    Integer shift = BINARY.get(suffix);
    return shift == null ? 0 : shift;
  }

  private static String decimal(BigDecimal value) {
    BigDecimal rounded = value.setScale(Math.max(0, Math.min(9, value.scale())), RoundingMode.UP);
    if (rounded.signum() == 0) {
      return "0";
    }
    String[] suffixes = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
    for (int i = suffixes.length - 1; i >= 0; i--) {
      BigDecimal scaled = rounded.scaleByPowerOfTen(9 - 3 * i);
      if (scaled.stripTrailingZeros().scale() <= 0) {
        return scaled.setScale(0, RoundingMode.UNNECESSARY).toPlainString() + suffixes[i];
      }
    }
    return rounded.toPlainString();
  }

  private static String binary(BigDecimal value) {
    if (value.signum() == 0) {
      return "0";
    }
    if (value.abs().compareTo(new BigDecimal(1024)) < 0 || value.stripTrailingZeros().scale() > 0) {
      return decimal(value);
    }
    BigInteger whole = value.toBigInteger();
    String[] suffixes = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    int i = 0;
    while (i < 6 && whole.mod(BigInteger.valueOf(1024)).signum() == 0) {
      whole = whole.shiftRight(10);
      i++;
    }
    return whole + suffixes[i];
  }

  private static String exponentForm(BigDecimal value) {
    if (value.signum() == 0) {
      return "0";
    }
    for (int exponent = 18; exponent >= -9; exponent -= 3) {
      BigDecimal scaled = value.scaleByPowerOfTen(-exponent);
      if (scaled.stripTrailingZeros().scale() <= 0) {
        String digits = scaled.setScale(0, RoundingMode.UNNECESSARY).toPlainString();
        return exponent == 0 ? digits : digits + "e" + exponent;
      }
    }
    return decimal(value);
  }
}
