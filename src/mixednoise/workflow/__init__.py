"""The steps of a run around the loop: resolve, prepare, folder, finish, pictures, predict."""
