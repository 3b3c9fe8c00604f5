"""Do skip connections help compression? Autoencoders whose training is proved, against today's practice and PCA."""
