/* Text to whoever is connected, and the end of the program, by semihosting. */

#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

/* Writes text that ends with a zero to the standard output of the machine that is connected. */
void print(const char *text);

/* Ends the program. */
void finish(int code) __attribute__((noreturn));

#endif
