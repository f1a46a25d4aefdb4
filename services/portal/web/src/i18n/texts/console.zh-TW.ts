export default { title: '管理中心作業台' };
