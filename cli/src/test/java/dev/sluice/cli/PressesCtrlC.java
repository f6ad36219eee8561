package dev.sluice.cli;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * A test that presses Ctrl-C, here or in a process that it starts. Where the process ignores SIGINT
 * the JVM does not listen to it either, and nothing would end what runs: there it is skipped.
 */
@Test
@EnabledIf(
    value = "dev.sluice.cli.Run#hearsCtrlC",
    disabledReason =
        "SIGINT is ignored in this process, as in one that a script starts with &: Ctrl-C would not"
            + " be heard")
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface PressesCtrlC {}
