export const name = "the module";
