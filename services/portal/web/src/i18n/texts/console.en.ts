export default { title: 'Officers’ console' };
