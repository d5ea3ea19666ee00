export const SHIPPED_763: string = "";
