// What do tasks compute that compute something? The same everywhere: doubly recursive, without a memory.

export function fibo(n: number): number {
  return n < 2 ? n : fibo(n - 1) + fibo(n - 2);
}
