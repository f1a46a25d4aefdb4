import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

/**
 * jest's environment for Node with an ordinary global object. jest makes a contextified one behind a Proxy, so that every
 * mention of `Object` or `Uint8Array` runs an interceptor: code that reads ASN.1 is several times slower for it.
 */
export default class OrdinaryGlobal extends TestEnvironment {
  constructor(config, context) {
    const { createContext } = vm;
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
  }
}
