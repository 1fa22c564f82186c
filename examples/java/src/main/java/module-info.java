module com.example.tokens {
    requires org.coolsd;
}
