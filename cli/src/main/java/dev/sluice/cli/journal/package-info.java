/** {@code sluice journal}: looks at the journals of controllers, and tidies them. */
@NullMarked
package dev.sluice.cli.journal;

import org.jspecify.annotations.NullMarked;
