/** Its index says on Node 20 that it wants 22, on every start; docs/DEPENDENCIES.md says it once. */
declare module 'oidc-provider/lib/provider.js' {
  export { Provider } from 'oidc-provider';
}
