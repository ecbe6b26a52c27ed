// Without a file in assembler the compiler takes no function without a body, as those of the library are in main.go.
