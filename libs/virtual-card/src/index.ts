export { sampleCard, type SampleCard, type SampleOptions } from './sample-card.js';
export { VirtualCard } from './virtual-card.js';
export { type CardOptions, VirtualCardStore } from './virtual-card-store.js';
export { ATR, type PlugOptions, type PlugState, VPCD_PORT, VpcdPlug } from './vpcd-plug.js';
