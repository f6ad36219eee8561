package dev.sluice.cli;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** How the command ends: one code for each kind of trouble, the same for all subcommands. */
public enum ExitCode {
  OK(0, "all went well, or it was ended by Ctrl-C where that is the way to end it"),
  CHECK_FAILED(1, "it ran, and something that was to hold did not"),
  USAGE(2, "an option or an argument is wrong"),
  KUBECONFIG(3, "the kubeconfig is missing or cannot be used"),
  UNREACHABLE(4, "the server does not answer"),
  UNTRUSTED(5, "the server's certificate is not trusted"),
  UNAUTHENTICATED(6, "the server does not know who is calling (401): an expired or wrong token"),
  FORBIDDEN(7, "the server does not allow it (403)"),
  NOT_FOUND(8, "the server has no such kind or namespace"),
  SERVER(9, "the server answered something else that is of no use here"),
  LOCAL(10, "something on this machine: a port is taken, a file cannot be written"),
  SETUP(11, "no JDK that is new enough was found, or the build failed (said by the script)"),
  BUG(70, "a defect of Sluice: please report it with what --verbose prints");

  private final int code;
  private final String meaning;

  ExitCode(int code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  /** What the process ends with. */
  public int code() {
    return code;
  }

  /** Code to meaning, in order, for the help. */
  static Map<String, String> table() {
    Map<String, String> table = new LinkedHashMap<>();
    Arrays.stream(values()).forEach(c -> table.put(" " + c.code, c.meaning));
    return table;
  }
}
